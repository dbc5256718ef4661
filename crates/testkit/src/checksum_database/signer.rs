//! Signs notes.

use aws_lc_rs::{
    digest::{Context, SHA256},
    signature::{Ed25519KeyPair, KeyPair as _},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// A name and a private key, the same for the same seed.
pub struct Signer {
    name: String,
    pair: Ed25519KeyPair,
}

impl Signer {
    /// A signer of this name.
    pub fn new(name: &str, seed: u8) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("any 32 bytes are a seed");
        Self {
            name: name.to_owned(),
            pair,
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its public key, as GOSUMDB takes it.
    pub fn key(&self) -> String {
        let hash = self
            .hash()
            .iter()
            .fold(String::new(), |hash, byte| hash + &format!("{byte:02x}"));
        format!("{}+{hash}+{}", self.name, STANDARD.encode(self.public()))
    }

    /// A note: the text, and under it this signature.
    pub fn sign(&self, text: &str) -> String {
        let mut signature = self.hash().to_vec();
        signature.extend_from_slice(self.pair.sign(text.as_bytes()).as_ref());
        format!("{text}\n— {} {}\n", self.name, STANDARD.encode(signature))
    }

    fn public(&self) -> Vec<u8> {
        let mut public = vec![1];
        public.extend_from_slice(self.pair.public_key().as_ref());
        public
    }

    fn hash(&self) -> [u8; 4] {
        let mut hash = Context::new(&SHA256);
        hash.update(self.name.as_bytes());
        hash.update(b"\n");
        hash.update(&self.public());
        let hash = hash.finish();
        hash.as_ref()[..4]
            .try_into()
            .expect("a hash has more than four bytes")
    }
}

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
