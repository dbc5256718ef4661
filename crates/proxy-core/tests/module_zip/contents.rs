//! What the entries may hold, and how much.

use super::*;

#[test]
fn contents_that_cannot_be_read_are_refused() {
    for (flags, reason) in [
        (1, "it is encrypted"),
        (1 << 6, "it is encrypted"),
        (1 << 13, "it is encrypted"),
        (1 << 5, "it is a patch to another file"),
    ] {
        refused(
            "flags",
            &RawZip::of([file("x").with(|entry| entry.flags = flags)]),
            reason,
        );
    }
    for method in [1, 9, 12, 14, 93, 99] {
        let odd = file("x").with(|entry| entry.method = method);
        refused("method", &RawZip::of([odd]), "it is neither stored nor deflated");
    }
    let garbage = file("x").with(|entry| entry.data = vec![0xff; entry.data.len()]);
    refused(
        "garbage",
        &RawZip::of([garbage]),
        "its contents cannot be inflated",
    );
    let cut = file("x").with(|entry| entry.data.truncate(entry.data.len() - 1));
    refused("cut", &RawZip::of([cut]), "its contents are cut off");
    let more = file("x").with(|entry| entry.data.extend(b"more"));
    refused(
        "bytes behind",
        &RawZip::of([more]),
        "there are bytes behind its deflated contents",
    );
    refused(
        "wrong sum",
        &RawZip::of([file("x").with(|entry| entry.crc32 ^= 1)]),
        "do not match their CRC-32",
    );
    refused(
        "wrong sum",
        &RawZip::of([stored("x").with(|entry| entry.crc32 ^= 1)]),
        "do not match their CRC-32",
    );
    // Go takes a zero for "not known".
    refused(
        "no sum",
        &RawZip::of([file("x").with(|entry| entry.crc32 = 0)]),
        "do not match their CRC-32",
    );
}

#[test]
fn sizes_are_counted_and_limited() {
    let declares = |path: &str, size: u32| file(path).with(|entry| entry.size = size);
    let real = contents("x").len() as u32;
    refused(
        "less",
        &RawZip::of([declares("x", real - 1)]),
        "it holds more than it declares",
    );
    refused(
        "more",
        &RawZip::of([declares("x", real + 1)]),
        "it holds less than it declares",
    );
    let zeros = RawEntry::new("a.test/m@v1.0.0/bomb", &vec![0; 8 << 20]);
    refused(
        "a bomb",
        &RawZip::of([zeros.with(|entry| entry.size = 10)]),
        "it holds more than it declares",
    );
    refused(
        "apart",
        &RawZip::of([stored("x").with(|entry| entry.size += 1)]),
        "stored, but its two sizes differ",
    );

    let all = 500 << 20;
    refused(
        "one too large",
        &RawZip::of([declares("x", all + 1)]),
        "it is larger than 524288000 bytes",
    );
    let together = [declares("x", all), declares("y", 1)];
    refused(
        "together",
        &RawZip::of(together),
        "its files are larger than 524288000 bytes together",
    );
    let huge = file("x").with(|entry| (entry.size, entry.extra) = (u32::MAX, wide(&[u64::MAX])));
    refused("huge", &RawZip::of([huge]), "it is larger than 524288000 bytes");
    for path in ["go.mod", "LICENSE"] {
        refused(
            path,
            &RawZip::of([declares(path, (16 << 20) + 1)]),
            "it is larger than 16777216 bytes",
        );
    }
    let error = check(vec![0; (500 << 20) + 1]).unwrap_err();
    assert_eq!(error.to_string(), "it is larger than 524288000 bytes");

    let largest = RawEntry::new("a.test/m@v1.0.0/go.mod", &vec![b'\n'; 16 << 20]);
    assert_eq!(
        check(RawZip::of([largest]).bytes())
            .unwrap()
            .go_mod
            .unwrap()
            .len(),
        16 << 20
    );
}
