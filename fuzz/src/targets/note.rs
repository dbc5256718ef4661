//! Signed notes: what opens was signed, and opens again once everything but that signature is dropped.

use crate::{Target, Verdict};
use checksum_db::{
    note::{InvalidNote, VerifierKey},
    tlog::TreeHead,
};

/// The key of the notes in the corpus.
const KEY: &str = "sum.example.test+cc7dc267+ARl/ayPhbIUyxqvIOPrNXqeJvgx2spIDNAOb+os9No1h";

/// What was ever signed with it.
const SIGNED: &[&str] = &["hello\n", "one\n\n\ntwo\n"];

pub(crate) const NOTE: Target = Target {
    name: "note",
    run,
    longest: 2000,
    words: &[
        "\n",
        "\n\n",
        "— ",
        "— sum.example.test ",
        " ",
        "+",
        "=",
        "A",
        "go.sum database tree\n",
        "0",
        "01",
        "hello",
        "\t",
        "\r\n",
    ],
};

fn run(data: &[u8]) -> Verdict {
    let text = String::from_utf8_lossy(data);
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string().parse(), Ok(key), "a key is written as it is read");
    }
    let key: VerifierKey = KEY.parse().expect("the key of the corpus");
    match key.open(data) {
        Ok(note) => {
            let signed = SIGNED.contains(&note.text())
                || TreeHead::parse(note.text()).is_ok_and(|head| head.size == 6);
            assert!(signed, "nobody signed {:?}", note.text());
            assert_eq!(
                key.open(note.message().as_bytes()),
                Ok(note),
                "its own signature is enough"
            );
            Verdict::Accepted
        }
        Err(InvalidNote::Malformed(_) | InvalidNote::Unsigned(_) | InvalidNote::WrongSignature(_)) => {
            Verdict::Refused
        }
    }
}
