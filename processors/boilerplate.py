"""Lines that stand in or beside an article and are not its text.

Share bars, "read also" teasers, source and copyright lines, tails that WordPress adds to feeds. Each paragraph is judged
on its own; long ones are never dropped, because real sentences begin with the same words.
"""

import re
from typing import Final

__all__ = ["is_boilerplate", "strip_boilerplate", "strip_tail"]

_LONGEST: Final = 180
"""Characters; a longer paragraph is text whatever it begins with."""

_MARKS: Final = "\u064b-\u0652\u0640\u200e\u200f"

# Paragraphs that begin like this are teasers for other articles.
_TEASER: Final = (
    r"(?:[اإأ]قر[أاؤئ]\w*|شاهد\w*|طالع\w*|[اإ]ستمع\w*|تابع\w*)\s+(?:[أا]يضا|المزيد|كذلك|على موقعنا)",
    r"(?:[اإأ]قر[أا]|شاهد|طالع|للمزيد|المزيد)\s*(?:[:\uff1a|]|$)",
    r"(?:مواضيع|موضوعات|مقالات|[أا]خبار|روابط|قصص|محتوى)\s+(?:ذات\s+صلة|متعلقة|مشابهة|مرتبطة|قد\s+تهمك|مقترحة)",
    r"و?(?:قد|ربما)\s+(?:[يت]عجبكم?|[يت]همكم?)\s*(?:[أا]يضا|هذا|قراءة|مشاهدة|[:\uff1a]|$)",
    r"(?:قد\s+تكون\s+مهتما|نرشح\s+لكم?|يمكنكم?\s+(?:[أا]يضا\s+)?(?:قراءة|مشاهدة)\s+(?:[أا]يضا|المزيد)|موضوع\s+ذو\s+صلة)\b",
    r"(?:[اإأ]قر[أا]\w{0,2}|شاهد\w{0,2}|[اإ]ستمع|طالع|بالفيديو|بالصور|فيديو|صور)\s*(?:\.{2,}|…|[:\uff1a|])",
    r"[أا]يضا\s+(?:على|في)\s+\S{2,20}\s*[:\uff1a]",
    r"(?:مزيد|المزيد)\s+من\s+(?:ال[أا]خبار|المقالات|التفاصيل)\W*$",
    r"(?:تابع|[أا]كمل)\s+القراءة\W*$",
    r"(?:ذات\s+صلة|الأكثر\s+(?:قراءة|مشاهدة|تداولا)|[آا]خر\s+ال[أا]خبار|اخترنا\s+ل(?:ك|كم))\s*[:\uff1a]?$",
    r"(?:read\s+(?:also|more)|see\s+also|related(?:\s+(?:articles|posts|news))?)\s*(?:[:|]|$)",
    r"للمزيد\s+من\s+(?:ال[أا]خبار|التفاصيل)\b.{0,60}(?:[:\uff1a]|اضغط|انقر|زوروا|تابع)",
)
# Sharing, following, subscribing, commenting.
_SHARE: Final = (
    r"(?:شارك\w{0,3}|انشر\w{0,3}|[أا]رسل\w{0,3})\s*[:\uff1a]?\s*(?:(?:هذا|هذه)?\s*(?:ال(?:خبر|مقال\w*|صفحة|موضوع|رابط|قصة|تقرير|محتوى|صورة|فيديو))\b.{0,60})?$",
    r"(?:شارك\w{0,3}|انشر\w{0,3})\s+(?:على|عبر|من\s+خلال|مع)\s+(?:ف[اي]\w*بوك|تويتر|واتس|تي?لي?[غج]رام|[إا]كس\b|لينكد|وسائل|مواقع|مواقعك|[أا]صدقائك|ال[أا]صدقاء|facebook|twitter|whatsapp).{0,60}$",
    r"(?:مشاركة|نسخ|طباعة|حفظ)\s*(?:ال(?:خبر|مقال\w*|رابط|صفحة|موضوع)|عبر\b.{0,30}|على\b.{0,30})?$",
    r"(?:تم\s+)?(?:نسخ|حفظ)\s+الرابط\b.{0,20}$",
    r"تابع\w*(?:ا|نا|وا)\s+(?:على|عبر|عل[يى])\b.{0,100}$",
    r"(?:انضم\w*|[اإ]شترك\w*|سج[ّ]?ل\w*)\s+(?:[إا]ل[يى]|ب?قناتنا|في\s+(?:نشرت|قنات|النشرة|خدم)|على\s+قنات|الآن).{0,100}$",
    r"(?:تابع\w*|لمتابعة|للاطلاع\s+على|[اإ]قر[أا]\w*)\s.{0,70}(?:قنا[تة]نا|صفح[اة]?تنا|صفحاتنا|حسابا?ت?نا|تطبيقنا|منصاتنا|قناة\s.{2,40}\sعلى\s+(?:واتس|تي?لي?[غج]رام)|(?:google|جوجل|غوغل)\s*(?:news|نيوز)|أخبار\s+(?:جوجل|غوغل)).{0,60}$",
    r"(?:اشترك|الاشتراك)\s+في\s+(?:النشرة|نشرة|القائمة|قناة).{0,80}$",
    r"(?:اكتب|أضف|اضف|[إا]ترك|اترك)\s+(?:رأيك|تعليق\w*|ردا?).{0,40}$",
    r"(?:التعليقات|تعليقات|تعليق\s+واحد|لا\s+توجد\s+تعليقات|لا\s+يوجد\s+تعليقات)\b.{0,20}$",
    r"(?:حجم\s+الخط|تكبير\s+الخط|تصغير\s+الخط|[اإ]ستمع\s+(?:[إا]لى|للمقال)|وقت\s+القراءة|مدة\s+القراءة)\b.{0,40}$",
    r"شارك\w{0,3}\s+(?:ب?ر[أا]يكم?|تعليقكم?)\b.{0,30}$",
    r"(?:لا\s+(?:توجد\s+)?تعليقات|(?:ا?نسخ|تم\s+نسخ)\s+الرابط|رابط\s+مختصر|مرتبط|معجب\s+بهذ[هاه]|[إا]عجاب)\s*[:\uff1a]?\s*(?:(?:جار\S?\s+)?تحميل.{0,5})?$",
    r"(?:حم[ّ]?ل\w{0,2}|نزّ?ل\w{0,2})\s+(?:الآن\s+)?(?:ال)?تطبيق\w*.{0,40}$",
    r"للاشتراك\s+في\s+(?:ال)?(?:نشر|قنا|خدم|قائم)\w*.{0,60}$",
    r"[اإ]ضغط\w?\s+(?:هنا\s+)?(?:لل?مشاركة|لتشارك|للطباعة|لل?متابعة|لإرسال)\b.{0,60}$",
    r"لمتابعة\s+.{0,40}(?:عبر|على)\s+(?:تي?لي?[غج]رام|واتس\w*|ف[اي]س\s?بوك|تويتر|يوتيوب|[إا]نستغرام).{0,20}$",
    r"(?:like\s+this|loading|click\s+to\s+share\b.{0,60})\W*$",
    r"(?:next\s+previous|share(?:\s+(?:this|on)\b.{0,40})?|tweet|print|follow\s+us\b.{0,60})$",
    r"(?:الوسوم|وسوم|كلمات\s+(?:مفتاحية|دلالية|البحث)|الكلمات\s+(?:المفتاحية|الدلالية)|tags?)\s*[:\uff1a]",
    r"(?:ال)?(?:وسوم|علامات|كلمات\s+(?:ال)?(?:دالة|مفتاحية))\W*$",
    r"(?:سياسة\s+الخصوصية|شروط\s+الاستخدام|من\s+نحن|اتصل\s+بنا|[إا]علان|advertisement)$",
)
# Where it comes from and whose it is.
_SOURCE: Final = (
    r"(?:ال)?مصدر\s*(?:[:\uff1a]|$).{0,80}$",
    r"المصادر?\s*[:\uff1a].{0,80}$",
    r"source\s*:.{0,80}$",
    r"(?:©|\(c\)|&copy;|copyright\b|حقوق\s+(?:النشر|الطبع)|(?:جميع|كافة|كل)\s+الحقوق\s+\w*محفوظة).{0,140}$",
    r".{0,60}(?:جميع|كافة|كل)\s+الحقوق\s+\w*محفوظة.{0,60}$",
    r"(?:[آا]خر\s+تحديث|تاريخ\s+النشر|نشر(?:ت)?\s+(?:في|بتاريخ|يوم)|تم\s+النشر)\s*[:\uff1a]?.{0,60}\d.{0,40}$",
    r".{0,140}لا\s+[تي](?:عبر|عكس|مثل)\w*\s+بالضرورة\s+(?:عن\s+)?(?:ر[أا]ي|[آا]راء|موقف|مواقف|وجهة|سياسة|توجه).{0,60}$",
    r"(?:جميع|كل|كافة)?\s*ال(?:مقالات?|[آا]راء|تعليقات)\s.{0,40}[تي](?:عبر|مثل|عكس)\w*\s+(?:عن\s+)?(?:ر[أا]ي|[آا]راء|وجهات?\s+نظر)\s+(?:كتابها|كاتبها|أصحابها|صاحبها|الكاتب|الكتاب)\b.{0,60}$",
    r"يمكنكم\s+(?:استلام|تسلم|الاشتراك|تحميل|متابعة)\s.{0,90}(?:[إا]شعارات|تطبيق|نشرتنا|قناتنا|هواتفكم|هاتفكم).{0,60}$",
    r"\d{1,2}:\d{2}(?:\s*(?:[صم]|صباحا?|مساء|am|pm|gmt|بتوقيت|غرينتش|\S{0,2}محل\S*|عاجل|مباشر|محدث))*\W*$",
    r"\d{1,3}(?:\s*(?:/|من)\s*\d{1,3})?$",
    r"تم\s+النشر\s+(?:قبل|منذ)\s.{2,20}$",
    r"كتبت?\s*[:\uff1a/–-]\s*[^.!؟،]{2,40}$",
    r"(?:عاجل|مباشر|بث\s+مباشر|live)$",
    r"(?:صورة\s+(?:[أا]رشيفية|من\s+الأرشيف)|[أا]رشيف)\W*$",
    r"(?:تحرير|إعداد|تصوير|مونتاج|ترجمة)\s*[:\uff1a].{0,60}$",
    r"(?:جار[يٍ]?\s+)?تحميل\s*(?:\.{2,}|…|الفيديو|المزيد)?$",
)
_LINE: Final = re.compile("|".join((*_TEASER, *_SHARE, *_SOURCE)), re.IGNORECASE)
_MARKED: Final = re.compile(f"[{_MARKS}]+")
_WORD: Final = re.compile(r"\w+")
_LONGEST_BAR: Final = 120
"""Characters of the longest share bar."""
# Every tail has one of these; looking for them first saves ten times the time on texts that have none.
_TAIL_HINT: Final = re.compile(r"appeared first|أول|المزيد|continue reading|read more|…|\.\.\.", re.IGNORECASE)
_LEADING: Final = re.compile(r"^[\W_]+(?<![©(])")

_SHARE_WORDS_LIST: Final = (
    "فيسبوك فايسبوك فيس بوك تويتر واتساب واتسآب تليغرام تلغرام تيليجرام تليجرام لينكدإن لينكدان لينكد ان بينتريست ماسنجر إكس "
    "اكس انستغرام إنستغرام انستجرام يوتيوب تيكتوك جوجل بلس غوغل بريد إلكتروني الكتروني البريد الإلكتروني طباعة نسخ "
    "مشاركة شارك الرابط عبر على من خلال رأيك اكتب تيك توك سناب شات شات سناب ريديت تمبلر facebook facebbok twitter tweeter whatsapp "
    "telegram linkedin pinterest messenger email print copy link x share tweet google plus youtube instagram rss "
    "tiktok snapchat reddit tumblr viber threads next previous"
)
_SHARE_WORDS: Final = frozenset(_SHARE_WORDS_LIST.split())

# Tails that blog software hangs on feed texts, mostly on the same line as the last words.
_TAIL: Final = re.compile(
    r"\s*(?:"
    r"The post\b.{0,400}?\bappeared first on\b.{0,200}"
    r"|(?:ظهرت?|نشرت?|جاءت?)\s+(?:ال)?(?:مقالة?|مقال|تدوينة|موضوع|خبر|منشور)\b.{0,400}?(?:أولا?ً?ا?|للمرة الأولى|لأول مرة)\s+(?:على|في)\b.{0,200}"
    r"|(?:\[\s*(?:…|\.{3,}|&hellip;)\s*\]|\(\s*(?:…|\.{3,})\s*\))\s*"
    r"|(?:…|\.{3,})?\s*(?:[إا]قر[أا]\s+المزيد|continue reading|read more)\s*(?:»|\u203a|→|\.{3,}|…|>>)?\s*"
    r"|(?:…|\.{3,})\s*(?:المزيد|التفاصيل)\s*(?:»|\u203a|→|\.{3,}|…|>>)?\s*"
    r")$",
    re.IGNORECASE | re.DOTALL,
)
_AGENCIES: Final = re.compile(
    r"^[\W_]*(?:(?:ال)?وكالات(?:\s+ال[أا]نباء)?|رويترز|(?:أ|ا)\s*[.]?\s*ف\s*[.]?\s*ب|فرانس\s+برس|فرانس\s*24|(?:وكالة\s+)?الأناضول|واس|بترا|وفا|وام|متابعات|"
    r"deutsche\s+welle|dw|afp|reuters|ap|bbc|cnn|dpa|العربية[.]?\s*نت|الجزيرة[.]?\s*نت|سكاي\s+نيوز(?:\s+عربية)?|د\s*ب\s*[أا]|"
    r"[،,+/&|\-–\s()]|و(?=\s))+[\W_]*$",
    re.IGNORECASE,
)
_QUOTED_FROM: Final = re.compile(r"^\W*نقلا\u064b?\s+عن\s+[^.،:!؟]{2,45}\W*$")
_LONGEST_CREDIT: Final = 60
_TAIL_LENGTH: Final = 700
_LONGEST_DATELINE: Final = 45
_DATELINE: Final = re.compile(
    r"^[^.!؟]{2,25}\s*[-–—/،]\s*(?:[^.!؟]{0,15})?(?:واس|وكالات|الوكالات|وام|بترا|وفا|وات|رويترز|فرانس برس|أ ف ب|ا ف ب|خاص|"
    r"متابعات?|قنا|كونا|بنا|العمانية|سانا|شينخوا|نت|سبوتنيك|الأناضول)\s*\)?\s*[:\-–]?$"
    r"|^[^.!؟()]{2,40}\((?:رويترز|وكالات|CNN|أ\.?\s?ف\.?\s?ب\.?|د\s?ب\s?أ|الأناضول|فرانس برس|AFP|AP)\)\s*[:\-–—]*$"
)


def is_boilerplate(paragraph: str) -> bool:
    """Whether a paragraph is no text of the article."""
    if len(paragraph) > _LONGEST:
        return False
    line = paragraph if _MARKED.search(paragraph) is None else _MARKED.sub("", paragraph)
    if not line[:1].isalnum():
        line = _LEADING.sub("", line)
        if not line:
            return True
    if _LINE.match(line):
        return True
    if len(line) > _LONGEST_BAR:
        return False
    words = _WORD.findall(line.lower())
    return bool(words) and all(word in _SHARE_WORDS for word in words)


def strip_tail(paragraph: str) -> str:
    """Return a paragraph without what feed software hangs on its end."""
    cut = max(0, len(paragraph) - _TAIL_LENGTH)
    tail = paragraph[cut:]
    if _TAIL_HINT.search(tail) is None:
        return paragraph
    shorter = _TAIL.sub("", tail)
    return paragraph if len(shorter) == len(tail) else (paragraph[:cut] + shorter).rstrip()


def strip_boilerplate(paragraphs: list[str], *, title: str = "") -> list[str]:
    """Return the paragraphs that are text.

    Args:
        paragraphs: In reading order.
        title: The article's title; a first paragraph equal to it is dropped.
    """
    kept = [paragraph for paragraph in paragraphs if not is_boilerplate(paragraph)]
    if kept and title and _same(kept[0], title):
        del kept[0]
    if kept and len(kept[0]) <= _LONGEST_DATELINE and len(kept) > 1 and _DATELINE.match(kept[0]):
        del kept[0]
    while kept:
        if len(kept) > 1 and _is_credit(kept[-1]):
            del kept[-1]
            continue
        kept[-1] = strip_tail(kept[-1])
        if kept[-1]:
            break
        del kept[-1]
    return kept


def _is_credit(paragraph: str) -> bool:
    short = len(paragraph) <= _LONGEST_CREDIT
    return short and bool(_AGENCIES.match(paragraph) or _QUOTED_FROM.match(paragraph))


def _same(one: str, other: str) -> bool:
    return _MARKED.sub("", one).split() == _MARKED.sub("", other).split()
