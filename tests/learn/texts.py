"""What people write, in several languages: sentences out of pieces, names, titles."""
PIECES = {
    "en": ["hello everyone", "can you look at this", "it's done", "I don't think so", "see you at 5 pm", "thanks a lot!", "the build is green again", "what about tomorrow?",
           "price looks good", "we moved the meeting", "(again)", "ok", "please check the list & tell me", "that was close :)", "<3", "1 < 2, isn't it?", "who's on call?",
           "the file is 20 % larger", "see `config.yaml`", "no, \"never\" is too strong", "let's try C++ first", "+1", "cost: $25", "e.g. the second one", "no worries"],
    "de": ["guten Morgen", "das passt für mich", "wir müssen noch prüfen", "schöne Grüße", "können wir das verschieben?", "die Straße ist gesperrt", "alles klar", "bis später!"],
    "fr": ["bonjour à tous", "c'est déjà fait", "on se voit demain ?", "merci beaucoup", "il reste deux places", "l'équipe est prête", "ça marche", "à bientôt"],
    "es": ["¿cómo estás?", "mañana por la mañana", "está bien", "muchas gracias", "no pasa nada", "el niño llegó", "¡vamos!", "hasta luego"],
    "pt": ["bom dia", "não sei ainda", "amanhã à tarde", "obrigado", "está tudo certo", "até logo"],
    "pl": ["dzień dobry", "proszę sprawdzić", "jutro będzie lepiej", "dziękuję", "już gotowe"],
    "tr": ["günaydın", "teşekkürler", "yarın görüşürüz", "çok güzel", "işte burada"],
    "ru": ["привет всем", "я посмотрю завтра", "спасибо большое", "где отчёт?", "всё готово", "хорошо"],
    "zh": ["大家好", "明天见", "我看一下", "谢谢", "价格不错", "没问题,马上处理"],
    "ja": ["おはようございます", "了解です", "明日確認します", "ありがとう", "会議は三時からです"],
    "ar": ["صباح الخير", "شكرا جزيلا", "أراك غدا", "كل شيء جاهز", "لا مشكلة"],
    "hi": ["नमस्ते", "धन्यवाद", "कल मिलते हैं", "सब ठीक है", "मैं देखता हूँ"],
}
LANGUAGES = sorted(PIECES)
EMOJI = ["🙂", "👍", "🎉", "❤️", "😂", "👀", "🚀", "🇩🇪", "👨‍👩‍👧", "🔥"]
NAMES = ["Ana Souza", "李伟", "John O'Neil", "Zoë Müller", "Иван Петров", "Noor Khan", "Kofi A.", "José-María Ruiz", "Yuki Tanaka", "Łukasz", "dr_no", "xX_wolf_Xx", "Eve",
         "Omar Haddad", "Siobhán", "मीरा", "محمد", "Max", "Renée", "T.J."]
TITLES = ["Weekly report", "Plan Q3", "Küche 2. OG", "general", "Random", "north gate", "Sensor 7 (roof)", "Заметки", "読書会", "Ops & Infra", "Fußball", "Roadmap v2", "Untitled",
          "Été", "Team A/B", "Invoice #12", "Late shift"]


def sentence(draw, languages, typical, most):
    """Free text of at most `most` characters: mostly short, now and then very long."""
    size, language, text = draw.tail(typical, most), draw.pick(languages), ""
    pieces = PIECES[language]
    while not text or len(text) < size:
        text += (draw.pick([" ", " ", " ", ", ", ". ", "\n"]) if text else "") + draw.pick(pieces)
        if draw.chance(0.04):
            text += " " + draw.pick(EMOJI)
    return text[:most].strip() or "ok"
