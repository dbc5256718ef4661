//! What a module zip may be, and what is refused: one zip for each rule, written byte by byte.

#![expect(clippy::unwrap_used, reason = "all of this is a test, helpers too")]

#[path = "module_zip/contents.rs"]
mod contents;
#[path = "module_zip/golden.rs"]
mod golden;
#[path = "module_zip/layout.rs"]
mod layout;
#[path = "module_zip/names.rs"]
mod names;
#[path = "module_zip/raw.rs"]
mod raw;

use proxy_core::{
    file::{Body, Sha256},
    module::{ModulePath, ModuleVersion, Version},
    sums::H1,
    zip::{self, CheckError, Checked},
};
use raw::{RawEntry, RawZip, WideEnd, extra, wide};

fn module() -> ModuleVersion {
    ModuleVersion::new(
        ModulePath::parse("a.test/m").unwrap(),
        Version::parse("v1.0.0").unwrap(),
    )
    .unwrap()
}

fn check(bytes: Vec<u8>) -> Result<Checked, CheckError> {
    zip::check(&module(), &Body::from_bytes(bytes))
}

/// A file of the module, deflated.
fn file(path: &str) -> RawEntry {
    RawEntry::new(&format!("a.test/m@v1.0.0/{path}"), contents(path).as_bytes())
}

fn stored(path: &str) -> RawEntry {
    RawEntry::stored(&format!("a.test/m@v1.0.0/{path}"), contents(path).as_bytes())
}

fn contents(path: &str) -> String {
    format!("the contents of {path}, {path} and {path}\n")
}

fn files(paths: &[&str]) -> RawZip {
    RawZip::of(paths.iter().map(|path| file(path)))
}

#[track_caller]
fn accepted(case: &str, zip: &RawZip, paths: &[&str]) {
    let sums = paths.iter().map(|path| {
        (
            format!("a.test/m@v1.0.0/{path}"),
            Sha256::of(contents(path).as_bytes()),
        )
    });
    match check(zip.bytes()) {
        Ok(checked) => assert_eq!(checked.h1, H1::of_files(sums).unwrap(), "{case}"),
        Err(error) => panic!("{case}: {error}"),
    }
}

#[track_caller]
fn refused(case: &str, zip: &RawZip, reason: &str) {
    match check(zip.bytes()) {
        Err(CheckError::Invalid(error)) => assert!(error.reason.contains(reason), "{case}: {error}"),
        other => panic!("{case}: {other:?}"),
    }
}

#[test]
fn what_ordinary_tools_write_is_accepted() {
    let two = || [file("a.go"), file("b/c.go")];
    let paths = ["a.go", "b/c.go"];
    accepted("deflated", &RawZip::of(two()), &paths);
    accepted("stored", &RawZip::of([stored("a.go"), stored("b/c.go")]), &paths);
    accepted("unsorted", &files(&["b/c.go", "a.go"]), &paths);
    for (signed, wide) in [(false, false), (true, false), (false, true), (true, true)] {
        let zip =
            RawZip::of([file("a.go"), stored("b/c.go")].map(|entry| entry.with_descriptor(signed, wide)));
        accepted(
            &format!("descriptors, signed {signed}, wide {wide}"),
            &zip,
            &paths,
        );
    }
    accepted(
        "an archive comment, as git writes",
        &RawZip::of(two()).with(|zip| zip.comment = vec![b'c'; 40]),
        &paths,
    );
    accepted(
        "the longest comment",
        &RawZip::of(two()).with(|zip| zip.comment = vec![b'c'; 0xffff]),
        &paths,
    );
    let timed = |entry: RawEntry| {
        entry.with(|entry| {
            entry.extra = extra(0x5455, &[1, 0, 0, 0, 0]);
            entry.own_extra = extra(0x5455, &[3, 0, 0, 0, 0, 0, 0, 0, 0]);
            entry.comment = b"a comment".to_vec();
            (entry.made_by, entry.attributes) = (0x031e, 0o100_755 << 16);
        })
    };
    accepted("times, modes and comments", &RawZip::of(two().map(timed)), &paths);
    let sizes_apart = |entry: RawEntry| {
        entry.with(|entry| {
            let (size, compressed) = (u64::from(entry.size), entry.data.len() as u64);
            (entry.size, entry.compressed_size) = (u32::MAX, Some(u32::MAX));
            (entry.extra, entry.own_extra) = (
                [extra(9, b"?"), wide(&[size, compressed])].concat(),
                wide(&[size, compressed]),
            );
        })
    };
    accepted("64-bit sizes", &RawZip::of(two().map(sizes_apart)), &paths);
    for kind in [WideEnd::Needed, WideEnd::Repeated] {
        accepted(
            "a 64-bit end record",
            &RawZip::of(two()).with(|zip| zip.wide_end = Some(kind)),
            &paths,
        );
    }
    // As when the directory is sorted and the files are not.
    let mut swapped = RawZip::of(two());
    swapped.entries[0].hidden = true;
    let mut again = swapped.entries[0].clone();
    (again.hidden, again.absent, again.offset) = (false, true, Some(0));
    swapped.entries.push(again);
    accepted("a directory in another order", &swapped, &paths);
    accepted("empty", &RawZip::default(), &[]);
    for empty in [RawEntry::new, RawEntry::stored] {
        let zip = RawZip::of([empty("a.test/m@v1.0.0/empty", b"")]);
        let sum = H1::of_files([("a.test/m@v1.0.0/empty", Sha256::of(b""))]).unwrap();
        assert_eq!(check(zip.bytes()).unwrap().h1, sum);
    }
}
