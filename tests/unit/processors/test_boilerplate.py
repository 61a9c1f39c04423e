import pytest

from processors.boilerplate import is_boilerplate, strip_boilerplate, strip_tail


@pytest.mark.parametrize(
    "line",
    [
        "اقرأ أيضا: زيارة الوزير إلى العاصمة",
        "اقرأ أيضاً",
        "إقرأ المزيد",
        "للمزيد: ملف خاص عن المونديال",
        "مواضيع ذات صلة",
        "قد يهمك أيضا",
        "شارك",
        "شارك هذا المقال",
        "شارك المقال عبر واتساب وفيسبوك",
        "فيسبوك تويتر واتساب",
        "مشاركة عبر واتساب",
        "تابعونا على فيسبوك وتويتر",
        "انضم إلى قناتنا على تليغرام",
        "المصدر: وكالات",
        "المصدر : الأفق + رويترز",
        "جميع الحقوق محفوظة © 2024",
        "كلمات مفتاحية: الدوري، الساحل",
        "التعليقات (3)",
        "نشر في: 12 مارس 2020",
        "طباعة",
        "* * *",
    ],
)
def test_lines_around_an_article_are_not_its_text(line: str) -> None:
    assert is_boilerplate(line)


@pytest.mark.parametrize(
    "line",
    [
        "شارك الرئيس في القمة التي عقدت أمس.",
        "مشاركة مصر في المعرض هي الأولى منذ عشر سنوات",
        "المصدر الرئيسي للدخل هو النفط",
        "إعلان الحرب على ثلاث دول",
        "مصادر: مقتل ثلاثة في الهجوم",
        "تابع الجمهور المباراة حتى نهايتها",
        "حفظ السلام",
        "نشرت القوات اثنتي عشرة دبابة",
        "اقرأ باسم ربك",
        "شارك في الاجتماع عن بعد وزراء الخارجية، ثم صدر بيان ختامي",
    ],
)
def test_sentences_that_begin_with_the_same_words_stay(line: str) -> None:
    assert not is_boilerplate(line)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("نص الخبر […]", "نص الخبر"),
        ("نص الخبر. The post عنوان appeared first on موقع.", "نص الخبر."),
        ("نص الخبر. ظهرت المقالة عنوان أولاً على موقع.", "نص الخبر."),
        ("نص الخبر... المزيد »", "نص الخبر"),
        ("نص الخبر اقرأ المزيد", "نص الخبر"),
        ("قال إنه لا يريد المزيد", "قال إنه لا يريد المزيد"),
    ],
)
def test_tails_of_feed_software_are_cut(text: str, expected: str) -> None:
    assert strip_tail(text) == expected


def test_title_dateline_and_credit_around_the_text_are_dropped() -> None:
    lines = ["عنوان الخبر", "العاصمة - وكالات", "قال الوزير إن المشروع اكتمل.", "وأضاف أن افتتاحه قريب.", "رويترز"]
    assert strip_boilerplate(lines, title="عنوان الخبر") == lines[2:4]


def test_a_text_of_one_line_is_never_taken_for_a_credit() -> None:
    assert strip_boilerplate(["وكالات"]) == ["وكالات"]
