"""The field terms that the built-in rewriter adds, by theme and language. No choice is made here.

The terms suit a theme but never name a subject, an hour or a weather: those are the caller's, and
an engine that reads the prompt must see the same scene in it afterwards. Every term holds a word
by which its aspect is recognised again, so that a rewritten prompt is not rewritten further.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum


class Language(StrEnum):
    """The languages the rewriter writes."""

    ENGLISH = "en"
    CHINESE = "zh"


class Aspect(StrEnum):
    """What a full prompt says beside its subject and motion, in the order it is added."""

    CAMERA = "camera"
    LIGHT = "light"
    STYLE = "style"
    SOUND = "sound"


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """What a prompt is about, and the terms that suit it."""

    signs: re.Pattern[str]
    camera: dict[Language, tuple[str, ...]]
    light: dict[Language, tuple[str, ...]]
    sound: dict[Language, tuple[str, ...]]

    def terms(self, aspect: Aspect, language: Language) -> tuple[str, ...]:
        """Return the terms to choose from."""
        every = {
            Aspect.CAMERA: self.camera,
            Aspect.LIGHT: self.light,
            Aspect.STYLE: STYLES,
            Aspect.SOUND: self.sound,
        }
        return every[aspect][language]


def _signs(english: str, chinese: str) -> re.Pattern[str]:
    words = "|".join(english.split(", "))
    signs = "|".join(chinese.split(", "))
    return re.compile(rf"\b(?:{words})(?:e?s)?\b|{signs}", re.IGNORECASE)


def _terms(english: tuple[str, ...], chinese: tuple[str, ...]) -> dict[Language, tuple[str, ...]]:
    return {Language.ENGLISH: english, Language.CHINESE: chinese}


SAID = {
    Aspect.CAMERA: _signs(
        r"camera, shot, close-?ups?, wide[- ]angle, pan, panning, tilt, dolly, tracking, zoom, "
        r"orbit, hand-?held, drone, aerial, crane, push(?:ing)?[- ]in, pull(?:ing)?[- ]back, "
        r"pull(?:ing)?[- ]out, lens, steadicam, pov, time-?lapse",
        "镜头, 特写, 航拍, 推近, 拉远, 拉近, 环绕, 跟拍, 跟随, 运镜, 广角, 俯拍, 仰拍, "
        "手持, 变焦, 延时, 升降, 摇移",
    ),
    Aspect.LIGHT: _signs(
        r"light, lights, lit, lighting, sunlight, sunlit, sunny, backlit, backlight, golden hour, "
        r"blue hour, neon, sunset, sunrise, moonlight, moonlit, candlelight, dusk, dawn, shadow, "
        r"twilight, overcast, silhouette, glow, glowing",
        "光, 日落, 夕阳, 黄昏, 日出, 黎明, 霓虹, 阴影, 剪影, 烛",
    ),
    Aspect.STYLE: _signs(
        r"style, styled, cinematic, realistic, photorealistic, photoreal, hyperrealistic, anime, "
        r"cartoon, water-?colou?r, oil painting, 3d, documentary, vintage, retro, noir, "
        r"pixel art, claymation, stop[- ]motion, film grain, 35 ?mm, colou?r grade, surreal",
        "风格, 电影, 写实, 动漫, 动画, 水彩, 水墨, 油画, 卡通, 胶片, 复古, 纪录片, 质感, 超现实",
    ),
    Aspect.SOUND: _signs(
        r"sound, soundtrack, music, audio, voice, say, saying, sing, singing, song, ambience, "
        r"ambiance, silence, silent, narration, narrator, dialogue, hear, melody, noise",
        "声, 音乐, 音效, 配乐, 说话, 说道, 唱, 静音, 旁白, 对白, 台词, 安静, 寂静",
    ),
}
"""The words by which each aspect is recognised in a prompt."""

STYLES = _terms(
    (
        "Cinematic style, natural palette, fine detail and an unhurried pace",
        "Realistic style, rich but restrained palette, crisp detail",
        "Cinematic style, gentle contrast, filmic tones and depth from front to back",
    ),
    (
        "电影质感，色彩自然，节奏舒缓",
        "写实风格，色彩饱满而克制，细节清晰",
        "电影风格，对比柔和，层次分明",
    ),
)

ROAD = Theme(
    signs=_signs(
        "road, highway, freeway, motorway, car, truck, bus, train, motorcycle, bicycle, bike, "
        "drive, driving, race, racing, vehicle",
        "公路, 道路, 马路, 汽车, 车, 火车, 驾驶, 开车, 摩托",
    ),
    camera=_terms(
        (
            "Low tracking shot that keeps pace, wide lens, long sight lines",
            "Smooth push in along the line of motion, deep focus, steady camera",
        ),
        ("低角度跟拍镜头，节奏平稳，纵深开阔", "镜头沿行进方向缓缓推近，景深清晰"),
    ),
    light=_terms(
        ("Low directional lighting with long soft edges", "Warm side lighting, clean highlights"),
        ("低角度侧光，边缘柔和", "暖色侧光，高光干净"),
    ),
    sound=_terms(
        ("Sound of air rushing past and a steady low hum", "Sound of tyres and a low engine hum"),
        ("伴随呼啸的风声与低沉的轰鸣声", "伴随轮胎声与低沉的引擎声"),
    ),
)
WATER = Theme(
    signs=_signs(
        "sea, ocean, beach, coast, shore, lake, river, waterfall, wave, island, underwater, "
        "boat, ship, sailboat, harbou?r, fish, whale, dolphin",
        "海, 湖, 江, 河, 瀑布, 浪, 沙滩, 船, 水下, 鱼, 鲸",
    ),
    camera=_terms(
        (
            "Slow push in from a wide shot, level and steady",
            "Slow crane shot that rises and opens the view, wide lens",
        ),
        ("镜头由远景缓缓推近，画面平稳", "升降镜头缓缓上升，视野逐渐打开"),
    ),
    light=_terms(
        ("Soft low lighting that glitters on every surface", "Open soft lighting, bright edges"),
        ("柔和的低角度光线，表面波光闪动", "开阔柔和的光线，边缘明亮"),
    ),
    sound=_terms(
        ("Sound of gentle surf and a soft breeze", "Sound of lapping and splashing, close by"),
        ("伴随轻柔的浪声与微风声", "伴随近处轻轻的拍打声与水声"),
    ),
)
CITY = Theme(
    signs=_signs(
        "city, cities, cityscape, skyline, street, alley, downtown, skyscraper, building, urban, "
        "town, market, subway, cyberpunk, traffic, tokyo, paris, london, shanghai, new york",
        "城市, 都市, 街, 高楼, 建筑, 赛博朋克, 地铁, 市场, 巷",
    ),
    camera=_terms(
        (
            "Slow push in at eye level, long lens, layered depth",
            "Slow crane shot that rises above the scene, wide lens",
        ),
        ("平视镜头缓缓推近，长焦压缩层次", "升降镜头缓缓上升，广角展开全景"),
    ),
    light=_terms(
        (
            "Mixed warm and cool lighting, glossy highlights, deep blacks",
            "Contrasty lighting from many small sources, tinted dark parts",
        ),
        ("冷暖交织的光线，高光润泽，暗部深沉", "多点光源，明暗分明，暗部带有色彩"),
    ),
    sound=_terms(
        ("Sound of a distant hum, steps and passing voices", "Ambience of far engines and steps"),
        ("伴随远处的嗡鸣声、脚步声与低语声", "伴随远处的引擎声与脚步声"),
    ),
)
DANCE = Theme(
    signs=_signs(
        "dance, dancer, dancing, ballet, ballerina, concert, stage, band, guitar, piano, violin, "
        "drum, drummer, singer, musician",
        "舞, 演唱会, 舞台, 芭蕾, 乐队, 吉他, 钢琴, 歌手",
    ),
    camera=_terms(
        (
            "Slow orbit at chest height, medium shot, shallow focus",
            "Smooth push in from full figure to medium shot, steady camera",
        ),
        ("镜头缓缓环绕，中景，浅景深", "镜头由全身景平稳推近至中景"),
    ),
    light=_terms(
        ("Strong rim lighting against a dark ground", "One hard key and soft tinted lighting"),
        ("深色背景前的强烈轮廓光", "硬质主光配合柔和的彩色灯光"),
    ),
    sound=_terms(
        ("Sound of a steady beat that the movement follows", "Sound of strings and soft steps"),
        ("伴随与动作合拍的节拍声", "伴随弦乐声与轻轻的脚步声"),
    ),
)
ANIMAL = Theme(
    signs=_signs(
        "cat, kitten, dog, puppy, puppies, horse, fox, bear, lion, tiger, panda, rabbit, deer, "
        "elephant, animal, butterfly, butterflies, bird, owl, eagle, wolf, squirrel",
        "猫, 狗, 马, 狐, 熊, 狮, 虎, 兔, 鹿, 大象, 动物, 蝴蝶, 鸟, 鹰, 狼, 松鼠",
    ),
    camera=_terms(
        (
            "Slow push in at the subject's own height, long lens, shallow focus",
            "Low tracking shot beside the subject, soft backdrop, steady camera",
        ),
        ("与主体同高的镜头缓缓推近，长焦，浅景深", "低角度跟拍镜头，背景柔和虚化"),
    ),
    light=_terms(
        ("Soft side lighting that picks out every hair", "Warm rim lighting, gentle fill"),
        ("柔和侧光，毛发清晰可见", "温暖的轮廓光，补光柔和"),
    ),
    sound=_terms(
        ("Sound of small rustles and a quiet breeze", "Soft outdoor ambience, tiny movements"),
        ("伴随细微的窸窣声与轻风声", "伴随柔和的环境声与细小的动静"),
    ),
)
NATURE = Theme(
    signs=_signs(
        "meadow, forest, tree, mountain, garden, field, flower, grass, valley, hill, desert, "
        "landscape, nature, waterfall, snow, rain, storm, cloud, sky",
        "草地, 草原, 森林, 树, 山, 花, 田野, 山谷, 沙漠, 风景, 自然, 雪, 雨, 云, 天空",
    ),
    camera=_terms(
        (
            "Slow crane shot that rises over the scene, wide lens, deep focus",
            "Slow push in from a wide shot, close things drifting past the lens",
        ),
        ("升降镜头缓缓上升，广角，景深清晰", "镜头由远景缓缓推近，前景轻轻掠过"),
    ),
    light=_terms(
        ("Soft directional lighting, long gentle shadows", "Airy backlit edges, soft contrast"),
        ("柔和的方向光，阴影悠长", "通透的逆光边缘，对比柔和"),
    ),
    sound=_terms(
        ("Sound of leaves stirring in a soft breeze", "Open outdoor ambience, soft gusts"),
        ("伴随微风拂过枝叶的声音", "伴随开阔的环境声与阵阵风声"),
    ),
)
FOOD = Theme(
    signs=_signs(
        "food, coffee, tea, cake, bread, soup, noodle, steak, pizza, fruit, kitchen, cook, chef, "
        "cooking, chocolate, restaurant",
        "美食, 咖啡, 茶, 蛋糕, 面包, 汤, 面条, 牛排, 水果, 厨, 烹饪, 火锅, 餐",
    ),
    camera=_terms(
        (
            "Macro close-up, slow push in, very shallow focus",
            "Slow orbit around the table top, close-up, creamy backdrop",
        ),
        ("微距特写，镜头缓缓推近，极浅景深", "镜头缓缓环绕，特写，背景柔化"),
    ),
    light=_terms(
        ("Soft window lighting from the side, warm fill", "Low backlit steam, dark surroundings"),
        ("侧面柔和的窗光，暖色补光", "逆光勾勒热气，四周幽暗"),
    ),
    sound=_terms(
        ("Sound of a soft sizzle and small clinks", "Sound of pouring and a low simmer"),
        ("伴随轻微的滋滋声与器皿声", "伴随倾倒声与慢炖声"),
    ),
)
PERSON = Theme(
    signs=_signs(
        "person, people, man, woman, men, women, girl, boy, child, children, portrait, astronaut, "
        "knight, warrior, samurai, robot, model, face",
        "人, 女孩, 男孩, 女子, 男子, 孩, 老者, 武士, 机器人, 脸",
    ),
    camera=_terms(
        (
            "Slow push in from medium shot to close-up, eye level, shallow focus",
            "Gentle orbit, medium shot, 50 mm lens, soft backdrop",
        ),
        ("平视镜头由中景缓缓推近至特写，浅景深", "镜头轻轻环绕，中景，背景柔和虚化"),
    ),
    light=_terms(
        ("Soft key lighting from one side, gentle fill", "Warm rim lighting, soft contrast"),
        ("单侧柔和主光，补光轻柔", "温暖的轮廓光，对比柔和"),
    ),
    sound=_terms(
        ("Sound of cloth, breath and a quiet room", "Soft close ambience with small movements"),
        ("伴随衣料声、呼吸声与轻微的环境声", "伴随贴近而柔和的环境声"),
    ),
)
COSMOS = Theme(
    signs=_signs(
        "space, galaxy, galaxies, planet, nebula, star, universe, abstract, fractal, dream, "
        "aurora, particle, liquid, ink, smoke",
        "宇宙, 太空, 星, 银河, 星云, 抽象, 梦, 极光, 粒子, 流体, 烟",
    ),
    camera=_terms(
        (
            "Slow weightless push in, wide lens, endless depth",
            "Slow orbit, wide shot, layers drifting at different speeds",
        ),
        ("镜头失重般缓缓推近，广角，纵深无尽", "镜头缓缓环绕，远景，层次各自漂移"),
    ),
    light=_terms(
        ("Faint lighting from within, deep blacks, rich hues", "Soft glowing edges on darkness"),
        ("自内而外的微光，暗部深沉，色彩浓郁", "黑暗中柔和发光的边缘"),
    ),
    sound=_terms(
        ("Sound of a deep drone with slow swells", "Airy ambience, long soft tones"),
        ("伴随低沉而缓慢起伏的嗡鸣声", "伴随悠长空灵的声音"),
    ),
)
ANYTHING = Theme(
    signs=re.compile(""),
    camera=_terms(
        (
            "Slow push in from a wide shot, eye level, steady camera",
            "Gentle orbit around the subject, medium shot, shallow focus",
        ),
        ("平视镜头由远景缓缓推近，画面平稳", "镜头轻轻环绕主体，中景，浅景深"),
    ),
    light=_terms(
        ("Soft directional lighting, gentle contrast", "Warm side lighting, soft falloff"),
        ("柔和的方向光，对比适中", "暖色侧光，过渡柔和"),
    ),
    sound=_terms(
        ("Soft ambience that suits the scene", "Sound close and natural, otherwise quiet"),
        ("伴随与场景相称的柔和环境声", "伴随贴近自然的声音"),
    ),
)
THEMES = (DANCE, FOOD, ANIMAL, ROAD, CITY, WATER, PERSON, COSMOS, NATURE, ANYTHING)
"""At equal evidence the earlier one wins: what acts comes before where it acts."""

STILL_MOVES = _terms(
    (
        "The picture comes gently to life: slow push in, steady camera, natural motion",
        "Gentle life in the picture: slow camera orbit, soft parallax, natural motion",
        "The picture breathes: slow camera pull back, smooth and level, small natural motion",
    ),
    ("画面缓缓苏醒，镜头平稳推近，动态自然",),
)
"""The motion for a picture that came without a prompt."""
