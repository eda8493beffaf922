"""Borders of words in scripts that put no spaces between them, judged by what stands beside a span.

Without a dictionary a border is *supported* by the edge of the text, another script, punctuation, or a character or
ending that names commonly stand beside (particles, titles, words for place and time). A span with unsupported borders
may lie inside a longer word: 东京 in 山东京博, はな in はなし.
"""

from __future__ import annotations

import regex

_SCRIPTS = {
    "han": regex.compile(r"[\p{Han}々]"),
    "hiragana": regex.compile(r"[\p{Hiragana}ー]"),
    "katakana": regex.compile(r"[\p{Katakana}ーｰ]"),
    "hangul": regex.compile(r"\p{Hangul}"),
    "thai": regex.compile(r"[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}]"),
}
_HAN_BEFORE = frozenset(
    "我你您他她它们的是在和与及跟同对给向从自由到往去来叫请让把被为以于住名姓問问见找说告诉因而且或但又也都就还已将了着过得"
    "地之其此该这那各每某位是家在于至经由离近距前后新老小阿氏生女男者员姐哥弟妹爸妈父母夫妻子儿兄师医生客户先生女士小姐经理老师同学教授博士主任"
    "住址市省县區区州国國県府町村路街號号邮编話话电機机址日月年時时分上下午晚早今昨明天週周星期"
)
_HAN_AFTER = regex.compile(
    "[的是在和與与及跟同對对給给向從从到往去来來說说叫了着著過过也都就還还已將将會会要想能可有没沒不很為为被把讓让因而且或但之等们們住"
    "市省县縣區区州國国都府町村路街站駅镇鎮乡鄉港島岛湖君様氏院店号號]"
    "|先生|女士|小姐|老师|老師|夫人|太太|博士|教授|医生|醫生|经理|經理|总[经裁监]|同学|同學|大学|大學|公司|医院|醫院|工作|生活|居住|出生|旅行|旅游|附近|以[前后後]"
    "|昨[天日]|今[天日年]|明[天日年]|上[周个週]|下[周个週午]|出[差发發]|于|於|机场|機場|车站|車站|支店|本社|さん"
)
_KANA_AFTER = regex.compile(
    r"(?:さん|さま|ちゃん|くん|せんせい|から|まで|より|など|には|では|とは|へは|にも|でも|です|でし|だっ|だと|という|って|は|が|を|に|の|と|も|へ|で|や|か|ね|よ)"
)
_KANA_BEFORE = regex.compile(r"(?:は|が|を|に|の|と|も|へ|で|や|、|お|ご|から|まで|より|この|その|あの)\Z")
_HANGUL_AFTER = regex.compile(
    r"(?:은|는|이|가|을|를|의|에|에서|에게|께|께서|도|와|과|랑|이랑|로|으로|만|부터|까지|처럼|보다|씨|님|양|군|아|야|이다|입니다|이었|였|라고|이라|란|들|하고)"
)
_THAI_BEFORE = regex.compile(
    r"(?:คุณ|นาย|นาง|นางสาว|น\.ส\.|เด็กชาย|เด็กหญิง|ดร\.|ที่|ใน|กับ"
    r"|ของ|จาก|ถึง|และ|โดย|ให้|ชื่อ|จังหวัด|เมือง|อำเภอ)\Z"
)
_THAI_AFTER = regex.compile(r"(?:และ|ที่|ได้|เป็น|มา|ไป|อยู่|กับ|ของ|ใน|จะ|ว่า|ครับ|ค่ะ|คะ|ก็|แล้ว)")


def find_script(character: str) -> str:
    """The unspaced script of a character; empty for every other."""
    return next((name for name, pattern in _SCRIPTS.items() if pattern.match(character)), "")


def count_unsupported(text: str, start: int, end: int) -> tuple[bool, bool]:
    """Whether the left and the right border of a span are unsupported."""
    return not _supports_left(text, start), not _supports_right(text, end)


def _supports_left(text: str, start: int) -> bool:
    if start == 0:
        return True
    script = find_script(text[start])
    if not script or find_script(text[start - 1]) != script:
        return True
    before = text[max(0, start - 8) : start]
    if script == "han":
        return before[-1] in _HAN_BEFORE
    if script == "hiragana":
        return _KANA_BEFORE.search(before) is not None
    return script == "thai" and _THAI_BEFORE.search(before) is not None


def _supports_right(text: str, end: int) -> bool:
    if end == len(text):
        return True
    script = find_script(text[end - 1])
    if not script or find_script(text[end]) != script:
        return True
    if script == "han":
        return _HAN_AFTER.match(text, end) is not None
    if script == "hiragana":
        return _KANA_AFTER.match(text, end) is not None
    if script == "hangul":
        return _HANGUL_AFTER.match(text, end) is not None
    return script == "thai" and _THAI_AFTER.match(text, end) is not None
