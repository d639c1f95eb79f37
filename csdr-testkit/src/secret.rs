//! Canaries: secrets that must not be seen anywhere.

use csdr_core::{
    Result,
    port::{Entropy, SystemEntropy},
};
use std::{fmt, fmt::Write as _};

/// A secret made for one test, that can be looked for.
///
/// It is looked for as it is, and as base64, hex and percent-encoding would show it.
///
/// ```
/// use csdr_testkit::secret::Canary;
///
/// let password = Canary::new("vault password")?;
/// let log = format!("opened with {}", "[redacted]");
/// password.assert_absent([("log", log.as_str())]);
/// assert!(password.found_in(&format!("opened with {}", password.expose())));
/// assert!(!password.found_in(&format!("{password:?}")));
/// # Ok::<(), csdr_core::Error>(())
/// ```
#[derive(Clone)]
pub struct Canary {
    name: &'static str,
    text: String,
}

impl Canary {
    /// A canary that no other test has, named after what it stands for.
    ///
    /// # Errors
    /// `Unavailable` if the host has no randomness.
    pub fn new(name: &'static str) -> Result<Self> {
        let mut random = [0u8; 15];
        SystemEntropy.fill(&mut random)?;
        // A length that is a multiple of three, so that its base64 stands undisturbed inside a longer one that begins with it.
        let mut text = String::from("canary");
        text.push_str(&hex(&random));
        Ok(Self { name, text })
    }

    /// The secret.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// Whether a text shows the secret, plainly or encoded.
    pub fn found_in(&self, text: &str) -> bool {
        self.forms().iter().any(|form| text.contains(form))
    }

    /// Whether bytes show the secret.
    pub fn found_in_bytes(&self, bytes: &[u8]) -> bool {
        self.forms().iter().any(|form| {
            bytes
                .windows(form.len())
                .any(|window| window == form.as_bytes())
        })
    }

    /// Fails the test if one of the named texts shows the secret. The message names the text and does not repeat it.
    ///
    /// # Panics
    /// Then.
    pub fn assert_absent<'a>(&self, texts: impl IntoIterator<Item = (&'a str, &'a str)>) {
        for (name, text) in texts {
            assert!(
                !self.found_in(text),
                "the secret `{}` shows in `{name}`",
                self.name
            );
        }
    }

    fn forms(&self) -> [String; 5] {
        let bytes = self.text.as_bytes();
        let percent: String = bytes.iter().fold(String::new(), |mut text, byte| {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
            text
        });
        [
            self.text.clone(),
            base64(bytes),
            hex(bytes),
            hex(bytes).to_uppercase(),
            percent,
        ]
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canary({})", self.name)
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Standard base64 of a length that is a multiple of three.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for group in bytes.chunks_exact(3) {
        let bits = u32::from_be_bytes([0, group[0], group[1], group[2]]);
        for shift in [18, 12, 6, 0] {
            text.push(char::from(ALPHABET[(bits >> shift & 63) as usize]));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodings_are_found() {
        assert_eq!(base64(b"canary"), "Y2FuYXJ5");
        let canary = Canary::new("test").unwrap();
        assert_eq!(canary.expose().len() % 3, 0);
        for form in canary.forms() {
            assert!(canary.found_in(&format!("<{form}>")));
            assert!(canary.found_in_bytes(format!("<{form}>").as_bytes()));
        }
        assert!(!canary.found_in(Canary::new("other").unwrap().expose()));
    }

    #[test]
    #[should_panic(expected = "the secret `test` shows in `log`")]
    fn a_shown_secret_fails_the_test() {
        let canary = Canary::new("test").unwrap();
        canary.assert_absent([("log", canary.expose())]);
    }
}
