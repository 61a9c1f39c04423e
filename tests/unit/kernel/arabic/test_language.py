import pytest
from hypothesis import given
from hypothesis import strategies as st

from marsad.arabic import arabic_share, detect, letter_rule


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("وزارة الدفاع تعلن بدء مناورات بحرية مشتركة", "ar"),
        ("الحكومة غادي تزيد فالأثمنة ديال المحروقات هاد العام", "ar"),
        ("شنوة صار اليوم في تونس العاصمة", "ar"),
        ("مصر", "ar"),
        ("رئیس الجمهوریة یستقبل وزیر الخارجیة فی القصر", "ar"),
        ("وزیر دفاع ایران از آغاز رزمایش دریایی خبر داد", "fa"),
        ("وزير دفاع ايران گفت كه اين رزمايش در خليج فارس برگزار مي شود", "fa"),
        ("وزیر دفاع نے کہا ہے کہ مشقیں جلد شروع ہوں گی", "ur"),
        ("وەزیری بەرگری ڕایگەیاند کە مانۆڕەکە دەست پێ دەکات", "ckb"),
        ("دۆلەت مۇداپىئە مىنىستىرى بۈگۈن بايانات ئېلان قىلدى", "ug"),
        ("د دفاع وزیر وویل چې ګډ پوځي تمرینونه پیل شوي دي", "ps"),
        ("د سولې خبرې پیل شوې", "ps"),
        ("د امريکا ولسمشر وويل", "ps"),
        ("شىنجاڭ ئۇيغۇر ئاپتونوم رايونى", "ug"),
        ("ئامېرىكا پرېزىدېنتى خىتاي بىلەن سۆھبەت ئۆتكۈزدى", "ug"),
        ("سنڌ حڪومت نئين پاليسي جو اعلان ڪيو آهي", "sd"),
        ("حكومةتى هةريَمى كوردستان لة بةغدا كؤبوويةوة", "ckb"),
        ("حكومەتا هەرێما كوردستانێ بڕیار دا", "ckb"),
        ("بو گون تبریزده بؤیوک بیر ییغینجاق اولدو", "az"),
        ("راتوس ريبو اورڠ هادير دالم مجليس ايت", "ms"),
        ("نرخ دلار در بازار آزاد", "fa"),
        ("وزير امور خارجه ايران در مسكو", "fa"),
        ("رئيس جمهور روسيه با همتاي ايراني خود گفتگو كرد", "fa"),
        ("گوگل تطلق هاتفا جديدا", "ar"),
        ("چا شلونك اليوم گلبي", "ar"),
        ("أڭادير: إنقاذ 12 بحارا", "ar"),
        ("جو بايدن يصل إسرائيل", "ar"),
        ("نتانياهو وترامب", "ar"),
        ("قرا لبنوك وهيئات مالية تنظيميةفي منطقة", "ar"),
        ("iPhone 15 Pro Max سعر ومواصفات", "ar"),
        ("7abibi kifak el yom", None),
        ("The minister of defence arrived", None),
        ("2023 - 14", None),
        ("", None),
        ("A long English sentence that quotes one word: سلام", None),
    ],
)
def test_languages_in_arabic_script_are_told_apart(text: str, language: str | None) -> None:
    assert detect(text) == language


def test_the_letter_rule_says_nothing_without_telling_letters() -> None:
    assert letter_rule("صاروخ") is None
    assert letter_rule("الجزائرية") == "ar"
    assert letter_rule("پاکستان") == "other"


def test_the_share_counts_letters_only() -> None:
    assert arabic_share("نفط OPEC 2023") == pytest.approx(3 / 7)
    assert arabic_share("123 ـــ") == 0.0


@given(st.text())
def test_no_text_is_too_strange(text: str) -> None:
    assert detect(text) in {"ar", "fa", "ur", "ckb", "ug", "ps", "sd", "ms", "az", None}
    assert 0.0 <= arabic_share(text) <= 1.0
