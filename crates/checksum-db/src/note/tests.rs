//! Keys and notes, against a signer of the tests' own.

use super::*;
use testkit::checksum_database::Signer;

const PUBLIC: &str = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";

fn signer(name: &str, seed: u8) -> (Signer, VerifierKey) {
    let signer = Signer::new(name, seed);
    let key = signer.key().parse().unwrap();
    (signer, key)
}

#[test]
fn a_key_is_read_and_written() {
    let key: VerifierKey = PUBLIC.parse().unwrap();
    assert_eq!((key.name(), &*key.to_string()), ("sum.golang.org", PUBLIC));
}

#[test]
fn a_key_that_was_copied_wrongly_is_refused() {
    let cases = [
        ("", InvalidKey::Syntax),
        ("sum.golang.org", InvalidKey::Syntax),
        (&PUBLIC.replace("033de0ae", "33de0ae"), InvalidKey::Syntax),
        (&PUBLIC.replace("033de0ae", "+33de0ae"), InvalidKey::Syntax),
        (&PUBLIC.replace("OuAn8", "OuA"), InvalidKey::Syntax),
        (&PUBLIC.replace("sum.golang.org", ""), InvalidKey::Syntax),
        (&PUBLIC.replace("golang", "gol ang"), InvalidKey::Syntax),
        (&PUBLIC.replace("+Ac4", "+Bc4"), InvalidKey::Algorithm),
        (&PUBLIC.replace("033de0ae", "033de0af"), InvalidKey::Hash),
        (&PUBLIC.replace("golang", "gopher"), InvalidKey::Hash),
        (&PUBLIC.replace("OuAn8", "OuAn9"), InvalidKey::Hash),
    ];
    for (text, error) in cases {
        assert_eq!(text.parse::<VerifierKey>(), Err(error), "{text}");
    }
}

#[test]
fn a_signed_text_opens() {
    let (signer, key) = signer("sums.example.test/db", 1);
    for text in ["hello\n", "two\nlines\n", "an\n\nempty line\n"] {
        let message = signer.sign(text);
        let note = key.open(message.as_bytes()).unwrap();
        assert_eq!((note.text(), note.message()), (text, message));
    }
}

#[test]
fn signatures_of_others_are_dropped_and_ours_counts_once() {
    let (ours, key) = signer("sum.example.test", 1);
    let (namesake, _) = signer("sum.example.test", 2);
    let (witness, _) = signer("witness.example.test", 3);
    let line = |signer: &Signer| signer.sign("hello\n").rsplit_once("\n\n").unwrap().1.to_owned();
    let note = format!(
        "hello\n\n{}{}{}{}",
        line(&witness),
        line(&namesake),
        line(&ours),
        line(&ours)
    );
    assert_eq!(key.open(note.as_bytes()).unwrap().message(), ours.sign("hello\n"));
    let unsigned = format!("hello\n\n{}{}", line(&witness), line(&namesake));
    assert_eq!(
        key.open(unsigned.as_bytes()),
        Err(InvalidNote::Unsigned("sum.example.test".to_owned()))
    );
}

#[test]
fn any_change_of_one_byte_spoils_a_note() {
    let (signer, key) = signer("sum.example.test", 1);
    let message = signer.sign("go.sum database tree\n1\nroot\n").into_bytes();
    for position in 0..message.len() {
        for change in [1, 0x20, 0x80] {
            let mut changed = message.clone();
            changed[position] ^= change;
            let opened = key.open(&changed);
            assert!(opened.is_err(), "{}", String::from_utf8_lossy(&changed));
        }
        assert!(key.open(&message[..position]).is_err());
    }
}

#[test]
fn what_is_no_note_is_refused() {
    let (signer, key) = signer("sum.example.test", 1);
    let good = signer.sign("hello\n");
    let crowded = |count: usize| {
        let (text, line) = good.rsplit_once("\n\n").unwrap();
        format!("{text}\n\n{}", line.repeat(count))
    };
    assert!(key.open(crowded(100).as_bytes()).is_ok());
    let wrong = [
        String::new(),
        "hello\n".to_owned(),
        "hello\n\n".to_owned(),
        good.replace("— ", "- "),
        good.replace("hello", "hel\tlo"),
        good.replace(" sum.example.test ", " "),
        good.replace(" sum.example.test ", " sum+example.test "),
        good.trim_end().to_owned(),
        format!("{good}\n"),
        format!("{good}— x AAAAAA==\n"),
        crowded(101),
    ];
    for note in wrong {
        assert!(
            matches!(key.open(note.as_bytes()), Err(InvalidNote::Malformed(_))),
            "{note}"
        );
    }
}
