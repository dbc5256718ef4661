//! Signed notes: a text, and under it the signatures of those who stand for it.
//!
//! ```text
//! go.sum database tree
//! 2
//! nND/nri/U0xuHUrYSy0HtMeal2vzD9V4k/BO79C+QeI=
//!
//! — sum.example.test +Y2VWs…
//! ```
//!
//! The last empty line parts the two. The signature is over the text with its last newline and without the empty
//! line. Signatures by keys that nobody here knows are ignored, so that a note may carry more of them than its reader
//! understands; a bad one by a known key spoils the note. (`golang.org/x/mod/sumdb/note`.)

use aws_lc_rs::signature::{ED25519, UnparsedPublicKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

/// The first byte of a key: Ed25519, the only algorithm there is.
const ALGORITHM: u8 = 1;

/// Notes with more signatures are not read: each costs time.
const MOST_SIGNATURES: usize = 100;

/// A public key with the name of whoever signs with it: `<name>+<hash>+<base64>`.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct VerifierKey {
    name: String,
    hash: [u8; 4],
    public: [u8; 32],
}

/// A note whose signature was checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    signature: String,
}

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidKey {
    /// Not the three parts, or one of them is malformed.
    #[error("a key is written name+hash+key: a name, eight hexadecimal digits, and base64")]
    Syntax,
    /// A key of another kind.
    #[error("only Ed25519 keys are known")]
    Algorithm,
    /// The hash is that of another name or key: one of the three parts was copied wrongly.
    #[error("its hash does not belong to its name and key")]
    Hash,
}

/// Why a note is not believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNote {
    /// It is no note.
    #[error("it is no signed note: {0}")]
    Malformed(&'static str),
    /// Nobody known signed it.
    #[error("it is not signed by {0}")]
    Unsigned(String),
    /// The signature is not one of this text.
    #[error("its signature by {0} is wrong")]
    WrongSignature(String),
}

impl VerifierKey {
    /// A key from its parts.
    pub fn new(name: &str, public: [u8; 32]) -> Result<Self, InvalidKey> {
        if !is_valid_name(name) {
            return Err(InvalidKey::Syntax);
        }
        let hash = key_hash(name, &public);
        Ok(Self {
            name: name.to_owned(),
            hash,
            public,
        })
    }

    /// Whose key it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Opens a note that must bear a good signature by this key.
    pub fn open(&self, message: &[u8]) -> Result<Note, InvalidNote> {
        let message = str::from_utf8(message).map_err(|_| InvalidNote::Malformed("it is not UTF-8"))?;
        if message.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            return Err(InvalidNote::Malformed("it holds control characters"));
        }
        let (text, signatures) = message
            .rfind("\n\n")
            .and_then(|end| message.split_at_checked(end + 1))
            .and_then(|(text, rest)| Some((text, rest.strip_prefix('\n')?)))
            .ok_or(InvalidNote::Malformed("no empty line ends its text"))?;
        let lines = signatures
            .strip_suffix('\n')
            .ok_or(InvalidNote::Malformed("its last line does not end"))?;
        let mut good = None;
        for (position, line) in lines.split('\n').enumerate() {
            let (name, hash, signature) = signature_line(line)
                .filter(|_| position < MOST_SIGNATURES)
                .ok_or(InvalidNote::Malformed(
                    "one of its signatures is malformed, or there are too many",
                ))?;
            if name != self.name || hash != self.hash || good.is_some() {
                continue; // of somebody else, or once more of ours
            }
            UnparsedPublicKey::new(&ED25519, self.public)
                .verify(text.as_bytes(), &signature)
                .map_err(|_| InvalidNote::WrongSignature(self.name.clone()))?;
            good = Some(line);
        }
        let signature = good.ok_or_else(|| InvalidNote::Unsigned(self.name.clone()))?;
        Ok(Note {
            text: text.to_owned(),
            signature: signature.to_owned(),
        })
    }
}

impl Note {
    /// What was signed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The note with the one signature that was checked, and no other.
    pub fn message(&self) -> String {
        format!("{}\n{}\n", self.text, self.signature)
    }
}

/// `— <name> <base64 of the key's hash and the signature>`.
fn signature_line(line: &str) -> Option<(&str, [u8; 4], Vec<u8>)> {
    let (name, encoded) = line.strip_prefix("— ")?.split_once(' ')?;
    let mut signature = BASE64_STANDARD.decode(encoded).ok()?;
    if !is_valid_name(name) || signature.len() < 5 {
        return None;
    }
    let rest = signature.split_off(4);
    Some((name, signature.try_into().ok()?, rest))
}

fn is_valid_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(|c: char| c == '+' || c.is_whitespace())
}

fn key_hash(name: &str, public: &[u8; 32]) -> [u8; 4] {
    let mut hash = Sha256::new();
    hash.update(name);
    hash.update([b'\n', ALGORITHM]);
    hash.update(public);
    let [a, b, c, d, ..] = <[u8; 32]>::from(hash.finalize());
    [a, b, c, d]
}

impl FromStr for VerifierKey {
    type Err = InvalidKey;
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let mut parts = text.splitn(3, '+');
        let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
            return Err(InvalidKey::Syntax);
        };
        let is_hash = hash.len() == 8 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = BASE64_STANDARD.decode(key).map_err(|_| InvalidKey::Syntax)?;
        let Some((&algorithm, public)) = key.split_first().filter(|_| is_hash) else {
            return Err(InvalidKey::Syntax);
        };
        if algorithm != ALGORITHM {
            return Err(InvalidKey::Algorithm);
        }
        let key = Self::new(name, public.try_into().map_err(|_| InvalidKey::Syntax)?)?;
        if u32::from_str_radix(hash, 16) == Ok(u32::from_be_bytes(key.hash)) {
            Ok(key)
        } else {
            Err(InvalidKey::Hash)
        }
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hash = u32::from_be_bytes(self.hash);
        let mut key = vec![ALGORITHM];
        key.extend_from_slice(&self.public);
        write!(f, "{}+{hash:08x}+{}", self.name, BASE64_STANDARD.encode(key))
    }
}

impl fmt::Debug for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests;
