//! Whether the API server can read a regular expression.
//!
//! Source: the syntax of Go's `regexp/syntax` with the flags `Perl`: RE2, so no lookaround, no back references, no possessive
//! repetition, repetitions up to 1000. Names of Unicode classes are not looked up.

use std::{iter::Peekable, str::Chars};

/// Whether a pattern compiles.
pub(super) fn is_valid(pattern: &str) -> bool {
    Reader {
        rest: pattern.chars().peekable(),
        groups: Vec::new(),
        now: Group::default(),
    }
    .pattern()
    .is_some()
}

/// How often at most a part may be repeated, all repetitions around it multiplied.
const MOST: u64 = 1000;

/// What was read of a group.
#[derive(Default)]
struct Group {
    /// The last part can be repeated.
    operand: bool,
    /// The last part was a repetition.
    repeated: bool,
    /// How often the last part repeats what is in it.
    last: u64,
    /// The highest of its parts.
    highest: u64,
}

struct Reader<'a> {
    rest: Peekable<Chars<'a>>,
    groups: Vec<Group>,
    now: Group,
}

impl Reader<'_> {
    fn pattern(mut self) -> Option<()> {
        while let Some(character) = self.rest.next() {
            match character {
                '(' => self.open()?,
                ')' => {
                    let inner = std::mem::replace(&mut self.now, self.groups.pop()?);
                    self.part(inner.highest.max(1));
                }
                '|' => {
                    self.now.operand = false;
                    self.now.repeated = false;
                }
                '*' | '+' | '?' => self.repeat(1)?,
                '{' => match self.times()? {
                    Some(times) => self.repeat(times)?,
                    None => self.part(1),
                },
                '[' => {
                    self.class()?;
                    self.part(1);
                }
                '\\' => {
                    self.escape()?;
                    self.part(1);
                }
                _ => self.part(1),
            }
        }
        self.groups.is_empty().then_some(())
    }

    fn part(&mut self, repeats: u64) {
        self.now.operand = true;
        self.now.repeated = false;
        self.now.last = repeats;
        self.now.highest = self.now.highest.max(repeats);
    }

    fn repeat(&mut self, times: u64) -> Option<()> {
        self.rest.next_if_eq(&'?');
        let repeats = self.now.last.saturating_mul(times.max(1));
        if self.now.repeated || !self.now.operand || (times > 1 && repeats > MOST) {
            return None;
        }
        self.part(repeats);
        self.now.repeated = true;
        Some(())
    }

    /// Reads `n}`, `n,}` or `n,m}`; anything else means that the brace stands for itself.
    fn times(&mut self) -> Option<Option<u64>> {
        let mut ahead = self.rest.clone();
        let Some(least) = number(&mut ahead) else {
            return Some(None);
        };
        let most = match ahead.next() {
            Some('}') => Some(least),
            Some(',') if ahead.next_if_eq(&'}').is_some() => None,
            Some(',') => match number(&mut ahead) {
                Some(most) if ahead.next() == Some('}') => Some(most),
                _ => return Some(None),
            },
            _ => return Some(None),
        };
        self.rest = ahead;
        let valid = least <= MOST && most.is_none_or(|most| most <= MOST && least <= most);
        valid.then(|| Some(most.unwrap_or(least)))
    }

    fn open(&mut self) -> Option<()> {
        if self.rest.next_if_eq(&'?').is_some() {
            let named = self.rest.next_if_eq(&'P').is_some();
            if self.rest.next_if_eq(&'<').is_some() {
                self.name()?;
            } else if named || !self.flags()? {
                return (!named).then_some(());
            }
        }
        self.groups.push(std::mem::take(&mut self.now));
        Some(())
    }

    fn name(&mut self) -> Option<()> {
        let mut any = false;
        loop {
            match self.rest.next()? {
                '>' => break,
                character if character == '_' || character.is_ascii_alphanumeric() => any = true,
                _ => return None,
            }
        }
        any.then_some(())
    }

    /// Reads flags; answers whether a group follows them.
    fn flags(&mut self) -> Option<bool> {
        let (mut minus, mut any) = (false, false);
        loop {
            match self.rest.next()? {
                'i' | 'm' | 's' | 'U' => any = true,
                '-' if !minus => (minus, any) = (true, false),
                end @ (':' | ')') if any || !minus => return Some(end == ':'),
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<()> {
        match self.rest.next()? {
            'A' | 'b' | 'B' | 'z' | 'd' | 'D' | 's' | 'S' | 'w' | 'W' => Some(()),
            'p' | 'P' => self.unicode(),
            'Q' => {
                let mut before = ' ';
                for character in self.rest.by_ref() {
                    if before == '\\' && character == 'E' {
                        break;
                    }
                    before = character;
                }
                Some(())
            }
            'E' => None,
            other => self.one(other).map(|_| ()),
        }
    }

    fn unicode(&mut self) -> Option<()> {
        match self.rest.next()? {
            '{' => {
                self.rest.next_if_eq(&'^');
                let mut any = false;
                loop {
                    match self.rest.next()? {
                        '}' => return any.then_some(()),
                        character if character == '_' || character.is_ascii_alphanumeric() => {
                            any = true
                        }
                        _ => return None,
                    }
                }
            }
            'C' | 'L' | 'M' | 'N' | 'P' | 'S' | 'Z' => Some(()),
            _ => None,
        }
    }

    /// An escape that stands for one character.
    fn one(&mut self, escaped: char) -> Option<char> {
        match escaped {
            '1'..='7' => {
                // A single digit would be a back reference; two or three are octal.
                let next = self.rest.next_if(|next| ('0'..='7').contains(next))?;
                let mut value = digit(escaped, 8)? * 8 + digit(next, 8)?;
                if let Some(next) = self.rest.next_if(|next| ('0'..='7').contains(next)) {
                    value = value * 8 + digit(next, 8)?;
                }
                char::from_u32(value)
            }
            '0' => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(next) = self.rest.next_if(|next| ('0'..='7').contains(next)) else {
                        break;
                    };
                    value = value * 8 + digit(next, 8)?;
                }
                char::from_u32(value)
            }
            'x' if self.rest.next_if_eq(&'{').is_some() => {
                let (mut value, mut any) = (0_u32, false);
                loop {
                    match self.rest.next()? {
                        '}' if any => return char::from_u32(value),
                        character => {
                            any = true;
                            value = value.checked_mul(16)?.checked_add(digit(character, 16)?)?;
                            if value > 0x0010_FFFF {
                                return None;
                            }
                        }
                    }
                }
            }
            'x' => {
                let high = digit(self.rest.next()?, 16)?;
                char::from_u32(high * 16 + digit(self.rest.next()?, 16)?)
            }
            'a' => Some('\u{7}'),
            'f' => Some('\u{c}'),
            'n' => Some('\n'),
            'r' => Some('\r'),
            't' => Some('\t'),
            'v' => Some('\u{b}'),
            other => (other.is_ascii() && !other.is_ascii_alphanumeric()).then_some(other),
        }
    }

    fn class(&mut self) -> Option<()> {
        self.rest.next_if_eq(&'^');
        let mut first = true;
        loop {
            match self.rest.next()? {
                ']' if !first => return Some(()),
                '[' if self.rest.peek() == Some(&':') && self.named()? => {}
                '\\' if matches!(self.rest.peek(), Some('d' | 'D' | 's' | 'S' | 'w' | 'W')) => {
                    self.rest.next();
                }
                '\\' if matches!(self.rest.peek(), Some('p' | 'P')) => {
                    self.rest.next();
                    self.unicode()?;
                }
                low => {
                    let low = self.class_character(low)?;
                    let mut ahead = self.rest.clone();
                    if ahead.next() == Some('-') && ahead.peek().is_some_and(|next| *next != ']') {
                        let high = ahead.next()?;
                        self.rest = ahead;
                        if self.class_character(high)? < low {
                            return None;
                        }
                    }
                }
            }
            first = false;
        }
    }

    fn class_character(&mut self, character: char) -> Option<char> {
        if character != '\\' {
            return Some(character);
        }
        let escaped = self.rest.next()?;
        self.one(escaped)
    }

    /// Reads `:alpha:]` and the like; answers whether there was one.
    fn named(&mut self) -> Option<bool> {
        const NAMES: [&str; 14] = [
            "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print",
            "punct", "space", "upper", "word", "xdigit",
        ];
        let rest: String = self.rest.clone().skip(1).collect();
        let Some((name, _)) = rest.split_once(":]") else {
            return Some(false);
        };
        let known = NAMES.contains(&name.strip_prefix('^').unwrap_or(name));
        for _ in 0..name.chars().count() + 3 {
            self.rest.next();
        }
        known.then_some(true)
    }
}

fn digit(character: char, radix: u32) -> Option<u32> {
    character.to_digit(radix)
}

/// Reads a decimal number without leading zeros.
fn number(rest: &mut Peekable<Chars<'_>>) -> Option<u64> {
    let first = rest.next_if(char::is_ascii_digit)?;
    if first == '0' && rest.peek().is_some_and(char::is_ascii_digit) {
        return None;
    }
    let mut value = u64::from(digit(first, 10)?);
    while let Some(next) = rest.next_if(char::is_ascii_digit) {
        value = value
            .saturating_mul(10)
            .saturating_add(u64::from(digit(next, 10)?));
    }
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    // Judged by Go's regexp.Compile.
    const VALID: &[&str] = &[
        "",
        "^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$",
        "^(\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))(([KMGTPE]i)|[numkMGTPE]|([eE](\\+|-)?(([0-9]+(\\.[0-9]*)?)|(\\.[0-9]+))))?$",
        "^.{1,253}$",
        "a{,3}",
        "a{01}",
        "x{",
        "(?i)abc",
        "(?i:abc)",
        "(?P<n>a)(?<m>b)",
        "[]a]",
        "[^]a]",
        "[a-]",
        "[[:alpha:]_]",
        "[[:x]",
        "[\\w.-]+",
        "\\p{Greek}\\pL\\P{^L}",
        "\\x41\\x{1F600}\\012\\0",
        "\\Q*+\\E",
        "\\/\\-\\_\\@",
        "a*?b+?c??",
        "(a{2}){500}",
        "a|",
        "|a",
        "()",
        "a{0}",
        "[+--]",
        "(?P<n>a)(?P<n>b)",
    ];
    const INVALID: &[&str] = &[
        "(?=a)",
        "(?!a)",
        "(?<=a)b",
        "(?<!a)b",
        "(?>a)",
        "(?#c)",
        "(a)\\1",
        "a++",
        "a**",
        "a{2}{3}",
        "a{1001}",
        "a{3,2}",
        "(a{11}){100}",
        "*a",
        "(*a)",
        "a|*",
        "(?i)*",
        "(",
        ")",
        "[a",
        "[b-a]",
        "[a-\\d]",
        "[[:foo:]]",
        "\\",
        "\\Z",
        "\\h",
        "\\u0041",
        "\\x4",
        "\\x{110000}",
        "(?P=n)",
        "(?P<>a)",
        "(?",
        "(?i-)a",
        "\\p{",
        "\\pX",
        "\\é",
    ];

    #[test]
    fn what_go_compiles() {
        for pattern in VALID {
            assert!(is_valid(pattern), "{pattern}");
        }
        for pattern in INVALID {
            assert!(!is_valid(pattern), "{pattern}");
        }
    }
}
