//! A repository whose every odd file was put through the go command: the same files must give the same sums.
//!
//! The contents are those that git writes out of the commit, with `eol`, `ident` and the rest applied.

use super::*;
use proxy_core::zip::{FileKind, TreeFile, VendorRule, from_files, select};

const ATTRIBUTES: &str = "*.subst export-subst\nign export-ignore\n*.crlf text eol=crlf\n*.auto text=auto eol=crlf\n\
                          *.id ident\n*.lfs filter=lfs diff=lfs merge=lfs -text\n";
const SUBMODULES: &str = "[submodule \"sm\"]\n\tpath = sm\n\turl = https://example.test/sm\n";
const POINTER: &str = "version https://git-lfs.github.com/spec/v1\n\
                       oid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n";
const SUB_GO_MOD: &str = "module example.test/golden/sub\n\ngo 1.24\n";

/// Chooses the files of a tree, zips them, and gives how many there are, the zip's sum and that of the `go.mod`.
fn zipped(path: &str, version: &str, tree: &[(&str, FileKind, &str)]) -> (usize, String, String) {
    let module =
        ModuleVersion::new(ModulePath::parse(path).unwrap(), Version::parse(version).unwrap()).unwrap();
    let files: Vec<_> = tree
        .iter()
        .map(|&(path, kind, text)| TreeFile {
            path,
            kind,
            size: text.len() as u64,
        })
        .collect();
    let go_mod = tree
        .iter()
        .find(|(path, ..)| *path == "go.mod")
        .map(|(.., text)| text.as_bytes());
    let kept = select(&files, VendorRule::of(go_mod)).unwrap().kept;
    let zip = from_files(
        &module,
        kept.iter()
            .map(|&index| (tree[index].0, tree[index].2.as_bytes())),
    )
    .unwrap();
    let checked = zip::check(&module, &Body::from_bytes(zip)).unwrap();
    let go_mod_sum = H1::of_go_mod(&checked.go_mod.unwrap());
    (kept.len(), checked.h1.to_string(), go_mod_sum.to_string())
}

#[test]
fn a_repository_of_odd_files() {
    use FileKind::{Other, Regular, Symlink};
    let tree = [
        (".gitattributes", Regular, ATTRIBUTES),
        (".gitmodules", Regular, SUBMODULES),
        ("LICENSE", Regular, "root license\n"),
        ("a.subst", Regular, "$Format:%H$\n"),
        ("big.lfs", Regular, POINTER),
        ("go.mod", Regular, "module example.test/golden\n\ngo 1.20\n"),
        ("ign/x.txt", Regular, "kept\n"),
        ("link", Symlink, "go.mod"),
        ("mixed.auto", Regular, "a\r\nb\n"),
        ("run.sh", Regular, "#!/bin/sh\n"),
        ("sm", Other, ""),
        ("sub/go.mod", Regular, SUB_GO_MOD),
        ("sub/pkg/vendor/v.go", Regular, "package v\n"),
        ("sub/s.crlf", Regular, "x\r\n"),
        ("sub/vendor/modules.txt", Regular, "# m\n"),
        ("sub/Ünïcode.txt", Regular, "u\n"),
        ("t.crlf", Regular, "a\r\nb\r\n"),
        ("u.auto", Regular, "a\r\nb\r\n"),
        (
            "v.id",
            Regular,
            "$Id: 055c8729cdcc372500a08db659c045e16c4409fb $\n",
        ),
        ("vendor/modules.txt", Regular, "# m\n"),
        ("vendor/p/p.go", Regular, "package p\n"),
    ];
    let expected = (
        13,
        "h1:gkCaVL4ljqB7F2iyjx+xEv6XeRc/hh/RV+e/hOu5r/o=",
        "h1:hU7iickIx5VLQo+ZRuMDWvGmv2KRkMoL+ub/cJccF3Y=",
    );
    let (count, zip, go_mod) = zipped("example.test/golden", "v1.0.0", &tree);
    assert_eq!((count, &*zip, &*go_mod), expected);

    // The module in its folder, with the licence of the root.
    let mut sub: Vec<_> = tree
        .iter()
        .filter_map(|&(path, kind, text)| Some((path.strip_prefix("sub/")?, kind, text)))
        .collect();
    sub.push(("LICENSE", Regular, "root license\n"));
    let expected = (
        5,
        "h1:bpDKPaUF9XTNc8mQs3Io/oZO9oXI7nRAvZc0npgUJ5Y=",
        "h1:KDFRwWvHyhuOd7vSSX9lO+kAdymvhsTcrpWnFC9e/+0=",
    );
    let (count, zip, go_mod) = zipped("example.test/golden/sub", "v0.1.0", &sub);
    assert_eq!((count, &*zip, &*go_mod), expected);
}
