"""Pages that stand in the way of what was asked for: bot checks and logins."""

import re
from typing import Final

__all__ = ["looks_like_bot_wall", "looks_like_html", "looks_like_login"]

_HTML: Final = re.compile(r"<!doctype\s+html|<html[\s>]|<head[\s>]|<body[\s>]", re.IGNORECASE)
_FEED_ROOT: Final = re.compile(r"<(?:\w+:)?(?:rss|feed|rdf|urlset|sitemapindex)[\s>]", re.IGNORECASE)
_HEAD: Final = 2_048
_WALL_HEAD: Final = 60_000

# What the challenge pages of the large providers say or load. Those found in article text as well count only in a title
# or as a script address.
_MARKS: Final = re.compile(
    r"<title>\s*(?:just a moment|attention required|access denied|please wait|one moment, please|ddos-guard|checking your browser"
    r"|verifying you are human|you are being redirected|security check|human verification|robot check|pardon our interruption"
    r"|request rejected|error 1020|403 forbidden|لحظة من فضلك|جار(?:ٍ|ي)? التحقق|التحقق من المتصفح)"
    r"|/cdn-cgi/challenge-platform/|cf-browser-verification|cf_chl_opt|cf-turnstile|_incapsula_resource|distil_r_captcha"
    r"|perimeterx|px-captcha|captcha-delivery\.com|sucuri_cloudproxy_js|sgcaptcha|aws-waf-token|awswafintegration|ddos-guard"
    r"|checking your browser before|checking if the site connection is secure|enable javascript and cookies to continue"
    r"|g-recaptcha|hcaptcha\.com/1/api|imunify360|bot-verification|slowaes|toNumbers\(",
    re.IGNORECASE,
)
_CHECKING: Final = re.compile(r"checking your browser|are you (?:a )?(?:human|robot)|هل أنت روبوت", re.IGNORECASE)
_PASSWORD: Final = re.compile(r"<input[^>]{1,500}?type\s*=\s*[\"']?password", re.IGNORECASE)
_LOGIN_TITLE: Final = re.compile(
    r"<title>[^<]*(?:log ?in|sign ?in|تسجيل الدخول|سج[لّ]+ الدخول|connexion|الدخول إلى الحساب)", re.IGNORECASE
)
# What stands in the place of an article that only subscribers may read.
_MEMBERS: Final = re.compile(
    r"(?:subscribe|sign in|log in|register) to (?:continue|keep reading|read (?:this|the full|more))|for subscribers only"
    r"|(?:المحتوى|المقال|الخبر) (?:متاح |مخصص )?(?:للمشتركين|للأعضاء)|للمشتركين فقط|(?:سج[لّ]+ (?:الدخول|دخولك)|اشترك) (?:لقراءة|لمتابعة|للمتابعة)",
    re.IGNORECASE,
)
_ARTICLE: Final = re.compile(r"<article[\s>]|application/ld\+json|og:article|property=[\"']article:", re.IGNORECASE)
_SHORT: Final = 8_000


def looks_like_html(text: str) -> bool:
    """Tell whether a document is a web page and not a feed that holds HTML."""
    head = text[:_HEAD]
    return _HTML.search(head) is not None and _FEED_ROOT.search(head) is None


def looks_like_bot_wall(text: str) -> bool:
    """Tell whether a page is a bot check instead of what was asked for.

    A widget such as a captcha in the comment form of a real article is no wall: pages that carry an article count as one
    only with the provider's title.
    """
    head = text[:_WALL_HEAD]
    if len(text) <= _SHORT and _CHECKING.search(head):
        return True
    match = _MARKS.search(head)
    if match is None:
        return False
    return match.group().lower().startswith("<title>") or _ARTICLE.search(text) is None


def looks_like_login(text: str) -> bool:
    """Tell whether a page asks for a password or a subscription before it shows anything.

    A line for subscribers beside an article, or in a page of some length, is no login.
    """
    if len(text) <= _SHORT and _MEMBERS.search(text) and _ARTICLE.search(text) is None:
        return True
    return _LOGIN_TITLE.search(text[:_WALL_HEAD]) is not None and _PASSWORD.search(text) is not None
