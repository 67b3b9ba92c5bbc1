//! Words that ask for a secret, found however they are written: in other letters that look the same, with accents or
//! without, spaced out, with invisible characters in between, as one name or as several words.
//!
//! This is a list of words, and whoever writes "what you type to log in" gets past it. It stops the form that is written
//! as people write such forms, and the server that was made to write one.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_security::skeleton;

/// Ask for a secret wherever they stand. A space may be there or not; a star says that the word may be the end of another.
const ANYWHERE: &[&str] = &[
    // Passwords, in the languages that forms are most often in.
    "*pass word",
    "passwd",
    "pwd",
    "pass code",
    "*pass phrase",
    "*pass wort",
    "*kenn wort",
    "geheimzahl",
    "geheimcode",
    "zugangscode",
    "*adgangskode",
    "*kodeord",
    "*passord",
    "*lösenord",
    "*wachtwoord",
    "toegangscode",
    "mot de passe",
    "mots de passe",
    "mdp",
    "code secret",
    "code d'accès",
    "contraseña",
    "clave secreta",
    "clave de acceso",
    "senha",
    "palavra passe",
    "parola d'ordine",
    "hasło",
    "hasła",
    "heslo",
    "jelszó",
    "salasana",
    "şifre",
    "şifreniz",
    "пароль",
    "пароля",
    "паролем",
    "секретный ключ",
    "κωδικός πρόσβασης",
    "συνθηματικό",
    "密码",
    "密碼",
    "口令",
    "パスワード",
    "暗証番号",
    "비밀번호",
    "كلمة المرور",
    "كلمة السر",
    "סיסמה",
    "mật khẩu",
    "รหัสผ่าน",
    "पासवर्ड",
    "kata sandi",
    "kata laluan",
    // Keys and tokens.
    "secret",
    "token",
    "api key",
    "access key",
    "private key",
    "signing key",
    "encryption key",
    "decryption key",
    "ssh key",
    "master key",
    "recovery key",
    "account key",
    "shared key",
    "subscription key",
    "storage key",
    "service account key",
    "jwt",
    "session cookie",
    "auth cookie",
    "connection string",
    "credential",
    "login details",
    "zugangsdaten",
    "seed phrase",
    "seed words",
    "recovery phrase",
    "mnemonic phrase",
    "wallet phrase",
    "backup phrase",
    "privater schlüssel",
    "privat nøgle",
    "clé privée",
    "clave privada",
    "chiave privata",
    "clé api",
    "clave api",
    // Codes that are good once.
    "otp",
    "totp",
    "one time code",
    "one time pin",
    "2fa",
    "mfa code",
    "two factor code",
    "verification code",
    "authentication code",
    "authenticator code",
    "auth code",
    "authorization code",
    "security code",
    "sms code",
    "login code",
    "sign in code",
    "device code",
    "backup code",
    "recovery code",
    "einmalcode",
    "engangskode",
    "engångskod",
    "bestätigungscode",
    "verifizierungscode",
    "sicherheitscode",
    "sikkerhedskode",
    "mtan",
    "tan nummer",
    "code de vérification",
    "código de verificación",
    "código de verificação",
    "codice di verifica",
    "код подтверждения",
    "验证码",
    "驗證碼",
    "認証コード",
    "인증번호",
    // Cards, and the numbers that a person is known by.
    "pin code",
    "pin number",
    "pin nummer",
    "your pin",
    "pin kode",
    "pin kod",
    "code pin",
    "código pin",
    "card number",
    "credit card",
    "debit card",
    "card verification",
    "cvv",
    "cvc",
    "kreditkarte",
    "kreditkartennummer",
    "kartennummer",
    "kartenprüfnummer",
    "kreditkort",
    "kortnummer",
    "kontrolcifre",
    "numéro de carte",
    "carte de crédit",
    "carte bancaire",
    "número de tarjeta",
    "tarjeta de crédito",
    "numero di carta",
    "carta di credito",
    "cartão de crédito",
    "номер карты",
    "信用卡",
    "银行卡号",
    "ssn",
    "social security number",
    "cpr nummer",
    "cpr number",
    "cpr nr",
    "personnummer",
    "sozialversicherungsnummer",
    "national insurance number",
];

/// Ask for a secret as the name or the title of a field; in a sentence they mean too much else.
const LABELS: &[&str] = &["pin", "cpr", "pw", "psw", "bearer", "mnemonic", "parola", "clave", "geheim"];

/// Begin like one of the above and ask for no secret.
const HARMLESS: &[&str] = &[
    "tokens",
    "token limit",
    "token count",
    "token budget",
    "token usage",
    "page token",
    "continuation token",
    "token name",
    "secret name",
    "password policy",
];

/// So many letters make a word that nobody writes by accident: it may be cut in pieces anywhere.
const UNMISTAKABLE: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Anywhere,
    Label,
    Harmless,
}

struct Phrase {
    letters: Letters,
    /// It may be the end of a longer word.
    ends: bool,
    kind: Kind,
}

/// All phrases by their first letter.
static PHRASES: LazyLock<BTreeMap<char, Vec<Phrase>>> = LazyLock::new(|| {
    let mut phrases: BTreeMap<char, Vec<Phrase>> = BTreeMap::new();
    for (words, kind) in [(ANYWHERE, Kind::Anywhere), (LABELS, Kind::Label), (HARMLESS, Kind::Harmless)] {
        for word in words {
            let letters = Letters::of(word, false);
            if let Some((first, _)) = letters.0.first() {
                phrases.entry(*first).or_default().push(Phrase {
                    ends: word.starts_with('*'),
                    letters,
                    kind,
                });
            }
        }
    }
    phrases
});

/// Says whether a text asks for a secret. A label is the name or the title of a field.
pub(super) fn asks_for_secret(text: &str, label: bool) -> bool {
    // Once as it is written, once with figures for letters: "2fa" is lost in the one, "p4ssw0rd" in the other.
    [false, true].into_iter().any(|figures| Letters::of(text, figures).ask(label))
}

/// What is before a letter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gap {
    None,
    /// Nothing, but a word may end here: `apiKey`, `pin1`, and wherever a script writes no spaces.
    Soft,
    /// Something that is no letter.
    Hard,
}

/// Letters in one spelling, each with what is before it.
struct Letters(Vec<(char, Gap)>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Upper,
    Lower,
    Figure,
    /// Of a script that writes no spaces.
    Whole,
}

impl Class {
    fn of(c: char) -> Self {
        match c {
            // Thai, Hangul (which decomposes), and all from the CJK radicals on.
            '\u{e00}'..='\u{e7f}' | '\u{1100}'..='\u{11ff}' | '\u{2e80}'.. => Self::Whole,
            c if c.is_uppercase() => Self::Upper,
            c if c.is_numeric() => Self::Figure,
            _ => Self::Lower,
        }
    }
}

impl Letters {
    fn of(text: &str, figures: bool) -> Self {
        let mut letters: Vec<(char, Gap)> = Vec::new();
        let mut gap = Gap::Hard;
        // The last two letters of this word, and where the last one begins.
        let (mut last, mut before, mut start) = (None, None, 0);
        for c in text.nfkd().filter(|c| !is_combining_mark(*c) && !is_invisible(*c)) {
            let c = if figures { as_letter(c) } else { c };
            if !c.is_alphanumeric() {
                (gap, last, before) = (Gap::Hard, None, None);
                continue;
            }
            let class = Class::of(c);
            if gap == Gap::None {
                gap = match (last, class) {
                    (Some(Class::Lower), Class::Upper) | (Some(Class::Whole), _) | (_, Class::Whole) => {
                        Gap::Soft
                    }
                    (Some(last), class) if (last == Class::Figure) != (class == Class::Figure) => Gap::Soft,
                    _ => Gap::None,
                };
            }
            // `APIKey` is two words, and the second begins with the last of its capitals.
            if (before, last, class) == (Some(Class::Upper), Some(Class::Upper), Class::Lower)
                && let Some((_, gap @ Gap::None)) = letters.get_mut(start)
            {
                *gap = Gap::Soft;
            }
            start = letters.len();
            for letter in fold(c) {
                letters.push((letter, std::mem::replace(&mut gap, Gap::None)));
            }
            (before, last) = (last, Some(class));
        }
        Self(letters)
    }

    fn gap(&self, at: usize) -> Gap {
        self.0.get(at).map_or(Gap::Hard, |(_, gap)| *gap)
    }

    fn ask(&self, label: bool) -> bool {
        let mut at = 0;
        while let Some((first, gap)) = self.0.get(at) {
            let candidates = PHRASES.get(first).into_iter().flatten();
            let found = candidates
                .filter(|phrase| phrase.ends || *gap != Gap::None)
                .filter(|phrase| label || phrase.kind != Kind::Label)
                .filter_map(|phrase| Some((self.end(at, phrase)?, phrase.kind)))
                // The longest, and of two as long the harmless one.
                .max_by_key(|(end, kind)| (*end, *kind == Kind::Harmless));
            match found {
                Some((end, Kind::Harmless)) => at = end,
                Some(_) => return true,
                None => at += 1,
            }
        }
        false
    }

    /// Returns where a phrase that begins here ends.
    fn end(&self, at: usize, phrase: &Phrase) -> Option<usize> {
        let wanted = &phrase.letters.0;
        let here = self.0.get(at..at.checked_add(wanted.len())?)?;
        if !here.iter().zip(wanted).all(|((letter, _), (wanted, _))| letter == wanted) {
            return None;
        }
        let inside = || here.iter().zip(wanted).skip(1);
        let is_cut = inside().any(|((_, gap), (_, space))| *gap == Gap::Hard && *space != Gap::Hard);
        // "to Ken" is no token; "p a s s" and "pass-word" are what they look like.
        let may_be_cut = wanted.len() >= UNMISTAKABLE || inside().all(|((_, gap), _)| *gap == Gap::Hard);
        // The end of another word is the end of one word: "compass words" are no password.
        let is_end = self.gap(at) == Gap::None;
        if is_cut && !may_be_cut || is_end && inside().any(|((_, gap), _)| *gap == Gap::Hard) {
            return None;
        }
        let end = at + wanted.len();
        let plural = self.0.get(end).is_some_and(|letter| *letter == ('s', Gap::None));
        let end = if plural && self.gap(end + 1) != Gap::None { end + 1 } else { end };
        (self.gap(end) != Gap::None).then_some(end)
    }
}

/// Writes a letter as its plainest likeness: lower case, no accent, Latin where it looks Latin.
fn fold(c: char) -> Vec<char> {
    let lower: String = c.to_lowercase().collect();
    let alike: String = skeleton(&lower).flat_map(char::to_lowercase).collect();
    let plain = alike.replace('ß', "ss");
    plain.chars().filter(|c| c.is_alphanumeric() && !is_combining_mark(*c)).collect()
}

/// Reads a figure or a sign as the letter that it stands for in `p4$$w0rd`.
fn as_letter(c: char) -> char {
    match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// Says whether nobody sees a character.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}
