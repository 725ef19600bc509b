"""Simple sentences in the languages that the cookbook's language classifier has labels for.

Each language has a few people and a few things they do; a text is one or two such sentences.
"ot" stands for any other language, and for texts of numbers or code. Grammar is kept so plain that
every person goes with every deed.
"""

# The letters below are other languages' own, however much they look like ours.
# ruff: noqa: RUF001

from __future__ import annotations

from random import Random

_ENDS = {"zh": "。", "hi": "।", "ur": "۔"}

SENTENCES: dict[str, tuple[str, str]] = {
    "ar": (
        "الرجل|أبي|الطفل|صديقي|المعلم|أخي|جدي|الطبيب",
        "في البيت|عنده خبز وماء|ليس هنا اليوم|في السوق الآن|يحب هذا الكتاب|عند النهر",
    ),
    "de": (
        "Der Mann|Meine Mutter|Das Kind|Ein Freund|Die Lehrerin|Mein Bruder|Der Arzt|Die Frau",
        "ist in dem Haus|liest ein Buch und lacht|hat Brot und Wasser|geht nicht auf den Markt|"
        "möchte den Fluss sehen|ist heute nicht hier",
    ),
    "el": (
        "Ο άντρας|Η μητέρα μου|Το παιδί|Ένας φίλος|Ο δάσκαλος|Ο αδελφός μου|Ο γιατρός|Η γυναίκα",
        "είναι στο σπίτι|διαβάζει ένα βιβλίο|έχει ψωμί και νερό|πηγαίνει στην αγορά|"
        "βλέπει το ποτάμι|δεν είναι εδώ σήμερα",
    ),
    "en": (
        "The man|My mother|The child|A friend of mine|The teacher|My brother|The doctor|The woman",
        "is in the house|reads a book and laughs|has bread and water for us|goes to the market|"
        "is on the way to the river|is not here with us today",
    ),
    "es": (
        "El hombre|Mi madre|El niño|Un amigo|La maestra|Mi hermano|El médico|La mujer",
        "está en la casa|lee un libro para el niño|tiene pan y agua|va por la calle|"
        "mira el río con la familia|no está aquí hoy",
    ),
    "fr": (
        "Un homme|Ma mère|Le garçon|Un ami|La maîtresse|Mon frère|Le médecin|La femme",
        "est dans la maison|lit un livre avec des amis|a du pain et de l'eau|va à l'école|"
        "regarde la rivière|n'est pas là aujourd'hui",
    ),
    "hi": (
        "आदमी|मेरी माँ|बच्चा|एक दोस्त|शिक्षक|मेरा भाई|डॉक्टर|दादी",
        "घर में है|के पास रोटी और पानी है|आज यहाँ नहीं है|बाज़ार में है|नदी के पास है|को यह किताब पसंद है",
    ),
    "ru": (
        "Мой дед|Мой отец|Ребёнок|Мой друг|Учитель|Мой брат|Доктор|Сосед",
        "сейчас дома|читает книгу|ест хлеб и пьёт воду|идёт на рынок|"
        "смотрит на реку|сегодня не здесь",
    ),
    "tr": (
        "Adam|Annem|Çocuk|Bir arkadaş|Öğretmen|Kardeşim|Doktor|Kadın",
        "şimdi evde|bir kitap okuyor|ekmek ve su alıyor|çarşıya gidiyor|"
        "nehri görüyor ama çok yorgun|bugün burada değil",
    ),
    "ur": (
        "آدمی|میری ماں|بچہ|ایک دوست|استاد|میرا بھائی|ڈاکٹر|دادی",
        "گھر میں ہے|کے پاس روٹی اور پانی ہے|آج یہاں نہیں ہے|بازار میں ہے|"
        "دریا کے پاس ہے|کو یہ کتاب پسند ہے",
    ),
    "vi": (
        "Người đàn ông|Mẹ tôi|Đứa trẻ|Một người bạn|Cô giáo|Anh trai tôi|Bác sĩ|Bà tôi",
        "ở trong nhà|đọc một cuốn sách|có bánh mì và nước|đi chợ buổi sáng|nhìn dòng sông|"
        "hôm nay không ở đây",
    ),
    "zh": (
        "那个男人|我的母亲|孩子|一个朋友|老师|我的哥哥|医生|奶奶",
        "在家里|在看书|有面包和水|去市场|看着河|今天不在这里",
    ),
}
"""Code of a language: people, and what they do, each separated by `|`."""

_OTHERS: tuple[tuple[str, str], ...] = (
    (
        "Mtu|Mama yangu|Mtoto|Rafiki|Mwalimu|Kaka yangu",
        "yuko nyumbani|anasoma kitabu|ana mkate na maji|anaenda sokoni|hayupo hapa leo",
    ),
    (
        "ผู้ชาย|แม่ของฉัน|เด็ก|เพื่อน|ครู|พี่ชายของฉัน",
        "อยู่ในบ้าน|อ่านหนังสือ|มีขนมปังและน้ำ|ไปตลาด|วันนี้ไม่อยู่ที่นี่",
    ),
)

CODES = (*SENTENCES, "ot")
"""Every label, "ot" last."""


def text_with_language(rng: Random) -> tuple[str, str]:
    """A short text and the code of its language; each code as likely as the others."""
    code = rng.choice(CODES)
    if code == "ot" and rng.random() < 0.4:
        return _no_language(rng), code
    people, deeds = SENTENCES[code] if code != "ot" else rng.choice(_OTHERS)
    gap = "" if code == "zh" else " "
    told = [
        f"{rng.choice(people.split('|'))}{gap}{rng.choice(deeds.split('|'))}{_ENDS.get(code, '.')}"
        for _ in range(rng.randint(1, 2))
    ]
    return gap.join(told), code


def _no_language(rng: Random) -> str:
    a, b = rng.randint(0, 99), rng.randint(0, 99)
    return rng.choice((f"{a} + {b} = {a + b}", f"x[{a}] = f({b});", f"{a}, {b}, {a + b}", "???"))
