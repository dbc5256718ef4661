//! How the parts of the file lie, and that they agree.

use super::{raw::DESCRIPTOR, *};

#[test]
fn the_directory_is_bounded() {
    let many = RawZip::default().with(|zip| {
        zip.wide_end = Some(WideEnd::Needed);
        zip.entries = (0..200_001)
            .map(|i| stored(&i.to_string()).with(|entry| entry.absent = true))
            .collect();
    });
    refused("too many entries", &many, "it has more than 200000 entries");
    let claims = files(&["a"]).with(|zip| zip.count = Some(60_000));
    refused(
        "more than fit",
        &claims,
        "its directory is too short for its entries",
    );
    let large = RawZip::of((0..800).map(|i| {
        stored(&i.to_string()).with(|entry| {
            entry.comment = vec![0; 0xffff];
            entry.absent = true;
        })
    }));
    refused(
        "long comments",
        &large,
        "its directory is larger than 50331648 bytes",
    );
}

#[test]
fn the_two_descriptions_of_an_entry_agree() {
    type Change = (&'static str, fn(&mut RawEntry), &'static str);
    let changes: [Change; 9] = [
        (
            "name",
            |entry| entry.own_name = Some(b"a.test/m@v1.0.0/y".to_vec()),
            "another name",
        ),
        (
            "size",
            |entry| entry.own_size = Some(entry.size + 1),
            "disagree on its size",
        ),
        (
            "compressed",
            |entry| entry.own_compressed_size = Some(1),
            "disagree on its size",
        ),
        (
            "full",
            |entry| entry.own_size = Some(u32::MAX),
            "disagree on its size",
        ),
        ("zero", |entry| entry.own_size = Some(0), "disagree on its size"),
        ("sum", |entry| entry.own_crc32 = Some(1), "disagree on its CRC-32"),
        (
            "method",
            |entry| entry.own_method = Some(0),
            "disagree on its form",
        ),
        (
            "encryption",
            |entry| entry.own_flags = Some(1),
            "disagree on its form",
        ),
        (
            "descriptor",
            |entry| entry.own_flags = Some(DESCRIPTOR),
            "disagree on its form",
        ),
    ];
    for (case, change, reason) in changes {
        refused(case, &RawZip::of([file("x").with(change)]), reason);
    }
    let described = || file("x").with_descriptor(true, false);
    let own = described().with(|entry| entry.own_size = Some(entry.size + 1));
    refused(
        "a size beside the descriptor",
        &RawZip::of([own]),
        "disagree on its size",
    );
    for index in 4..16 {
        let wrong = described().with(|entry| entry.after[index] ^= 1);
        refused(
            "the descriptor",
            &RawZip::of([wrong]),
            "its descriptor is malformed or disagrees",
        );
    }
    for size in [0, 4, 11, 13, 17, 25] {
        let odd = described().with(|entry| entry.after.resize(size, 0));
        refused(
            "the descriptor's size",
            &RawZip::of([odd]),
            "its descriptor is malformed or disagrees",
        );
    }
}

#[test]
fn entries_lie_one_after_the_other() {
    let gap = || vec![0; 10];
    refused(
        "before all",
        &files(&["a"]).with(|zip| zip.before = gap()),
        "bytes before it that belong to no entry",
    );
    let between = [file("a").with(|entry| entry.after = gap()), file("b")];
    refused(
        "between",
        &RawZip::of(between),
        "bytes after it that belong to no entry",
    );
    let before_directory = files(&["a"]).with(|zip| zip.before_directory = gap());
    refused(
        "before the directory",
        &before_directory,
        "bytes after it that belong to no entry",
    );
    refused(
        "before an empty directory",
        &RawZip::default().with(|zip| zip.before = gap()),
        "belong to no entry",
    );
    refused(
        "behind the directory",
        &files(&["a"]).with(|zip| zip.after_directory = gap()),
        "does not lie where",
    );
    refused(
        "behind all",
        &files(&["a"]).with(|zip| zip.after = gap()),
        "bytes after its end record",
    );
    refused(
        "a newline behind",
        &files(&["a"]).with(|zip| zip.after = b"\n".to_vec()),
        "bytes after its end record",
    );
    // Offsets that were not moved by what was put in front: a self-extracting archive.
    let mut moved = files(&["a"]);
    moved.before = gap();
    moved.entries[0].offset = Some(0);
    moved.directory_offset = Some(moved.bytes().len() as u32 - 22 - 46 - 17 - 10);
    refused(
        "a program in front",
        &moved,
        "does not lie where its end record says",
    );

    let hidden = [file("a"), file("b").with(|entry| entry.hidden = true)];
    refused(
        "an entry the directory leaves out",
        &RawZip::of(hidden),
        "bytes after it that belong to no entry",
    );
    let shared = [
        file("a"),
        file("b").with(|entry| (entry.absent, entry.offset) = (true, Some(0))),
    ];
    refused("two entries over one", &RawZip::of(shared), "overlaps");
    let inside = [
        file("a"),
        file("b").with(|entry| (entry.absent, entry.offset) = (true, Some(20))),
    ];
    refused("an entry inside another", &RawZip::of(inside), "overlaps");
    let beyond = file("a").with(|entry| (entry.absent, entry.offset) = (true, Some(1 << 30)));
    refused(
        "an entry past the end",
        &RawZip::of([beyond]),
        "belong to no entry",
    );
    let long = file("a").with(|entry| entry.compressed_size = Some(1 << 20));
    refused(
        "contents past the end",
        &RawZip::of([long]),
        "it overlaps what comes after it",
    );
    // The overlapping bomb: every entry's contents run over the ones behind it.
    let quoted = [
        file("a").with(|entry| entry.compressed_size = Some(200)),
        file("b"),
        file("c"),
    ];
    refused(
        "contents over the next entry",
        &RawZip::of(quoted),
        "it overlaps what comes after it",
    );
    let nothing = stored("a").with(|entry| (entry.absent, entry.offset) = (true, Some(0)));
    refused(
        "no header",
        &RawZip::of([nothing]).with(|zip| zip.before = vec![b'x'; 60]),
        "there is no entry where",
    );
}

#[test]
fn the_end_record_is_the_only_one() {
    for (case, bytes) in [
        ("nothing", vec![]),
        ("text", b"<html></html>".to_vec()),
        ("short", b"PK\x05\x06".to_vec()),
    ] {
        assert_eq!(
            check(bytes).unwrap_err().to_string(),
            "it is no zip: no end record was found",
            "{case}"
        );
    }
    let inner = files(&["evil"]).bytes();
    let commented = files(&["a"]).with(|zip| zip.comment = inner);
    refused("a zip in the comment", &commented, "");
    let contradicting = files(&["a"]).with(|zip| zip.wide_end = Some(WideEnd::Contradicting));
    refused("two end records", &contradicting, "its two end records disagree");
    refused(
        "disks",
        &files(&["a"]).with(|zip| zip.disk = 1),
        "split over several disks",
    );
    refused(
        "fewer",
        &files(&["a", "b"]).with(|zip| zip.count = Some(1)),
        "its directory holds more than its entries",
    );
    let mut cut = files(&["a", "b"]).bytes();
    let directory = cut.len() - 22 - 2 * 63;
    cut[directory] = 0;
    assert_eq!(check(cut).unwrap_err().to_string(), "its directory is malformed");
}
