//! What goes into a zip and with which bytes: vendoring, nested modules, links, attributes, licences, odd names.

use super::House;
use testkit::{git::Commit, skip_or_fail};

fn go_mod(path: &str, go: &str) -> String {
    format!("module {path}\n\ngo {go}\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_golden_tree() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z1 Z2 Z3 Z4 Z5 Z6 Z8 Z9 Z10");
    let path = "example.test/golden";
    let repository = house.repository(path);
    let attributes = "*.subst export-subst\nign export-ignore\n*.crlf text eol=crlf\n*.auto text=auto eol=crlf\n*.id ident\n\
                      *.lfs filter=lfs diff=lfs merge=lfs -text\n*.u16 working-tree-encoding=UTF-16LE-BOM\n";
    let tree = Commit::at(1_600_000_000)
        .file(".gitattributes", attributes)
        .file(
            ".gitmodules",
            "[submodule \"sm\"]\n\tpath = sm\n\turl = https://example.test/sm\n",
        )
        .file("go.mod", go_mod(path, "1.20"))
        .file("LICENSE", "root license\n")
        .file("a.subst", "$Format:%H$\n")
        .file("ign/x.txt", "kept\n")
        .file("t.crlf", "a\nb\n")
        .file("u.auto", "a\nb\n")
        .file("mixed.auto", "a\r\nb\n")
        .file("v.id", "$Id$\n")
        .file("w.u16", "grüße\n")
        .file(
            "big.lfs",
            "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12345\n",
        )
        .entry("100755", "run.sh", "#!/bin/sh\n")
        .entry("120000", "link", "go.mod")
        .entry("120000", "folder-link", "ign")
        .entry("160000", "sm", "1234567890123456789012345678901234567890")
        .file("vendor/modules.txt", "# m\n")
        .file("vendor/p/p.go", "package p\n")
        .file("vendor/x.go", "package x\n")
        .file("sub/go.mod", go_mod("example.test/golden/sub", "1.24"))
        .file("sub/s.crlf", "x\n")
        .file("sub/.gitattributes", "*.deep eol=crlf\nunset.crlf !eol -text\n")
        .file("sub/unset.crlf", "x\n")
        .file("sub/below/.gitattributes", "s.crlf eol=lf\n")
        .file("sub/below/s.crlf", "x\n")
        .file("sub/below/t.crlf", "x\n")
        .file("sub/d.deep", "x\n")
        .file("sub/pkg/vendor/v.go", "package v\n")
        .file("sub/vendor/modules.txt", "# m\n")
        .file("sub/Ünïcode.txt", "u\n");
    let one = repository.commit("main", &tree);
    repository.tag("v1.0.0", &one);
    repository.tag("sub/v0.1.0", &one);
    house.compare(path, &["v1.0.0"]);
    house.compare("example.test/golden/sub", &["v0.1.0"]);
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_vendor_rule_hangs_on_the_go_line() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z16");
    let lines = [
        "go 1.23",
        "go 1.24",
        "go 1.24rc1",
        "go v1.24",
        "go 1.24-foo",
        "go 1.24\nrequire foo.com/x v2.0.0",
        "go 1.24\nreplace bad",
        "",
        "go (\n1.24\n)",
        "go 1.24\ngo 1.24",
        "go 1.24\nnonsense x y z",
        "go 1.24 // c",
    ];
    for (number, line) in lines.iter().enumerate() {
        let path = format!("example.test/vendor{number}");
        let repository = house.repository(&path);
        let one = repository.commit(
            "main",
            &Commit::at(1_600_000_000)
                .file("go.mod", format!("module {path}\n\n{line}\n"))
                .file("vendor/modules.txt", "# m\n")
                .file("vendor/x.go", "package x\n")
                .file("vendor/p/p.go", "package p\n")
                .file("pkg/vendor/v.go", "package v\n")
                .file("pkg/vendor/q/v.go", "package v\n")
                .file("Vendor/q/v.go", "package v\n"),
        );
        repository.tag("v1.0.0", &one);
        house.compare_query(&path, "v1.0.0");
    }
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_that_collide_or_cannot_be() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z11 Z12 Z13 Z14 Z15 Z24");
    let trees: Vec<(&str, Commit)> = vec![
        (
            "case",
            Commit::at(1).file("README.md", "a").file("readme.md", "b"),
        ),
        (
            "caselink",
            Commit::at(1)
                .file("File.txt", "a")
                .entry("120000", "file.txt", "File.txt"),
        ),
        ("casedir", Commit::at(1).file("A/x", "a").file("a/y", "b")),
        ("colon", Commit::at(1).file("a:b.txt", "a")),
        ("reserved", Commit::at(1).file("dir/aux.go", "a")),
        (
            "hidden",
            Commit::at(1)
                .file("vendor/p/a:b.txt", "a")
                .file("vendor/p/A", "a")
                .file("vendor/p/a", "b"),
        ),
        (
            "nested",
            Commit::at(1)
                .file("n/go.mod", "module x\n")
                .file("n/aux.go", "a")
                .file("n/x.go", "package x\n"),
        ),
        (
            "uppermod",
            Commit::at(1).file("d/GO.MOD", "x").file("d/x.go", "package d\n"),
        ),
        (
            "linkmod",
            Commit::at(1)
                .entry("120000", "d/go.mod", "x")
                .file("d/x.go", "package d\n"),
        ),
        ("rootupper", Commit::at(1).file("GO.MOD", "x")),
        ("emoji", Commit::at(1).file("\u{1f600}.txt", "a")),
        ("combining", Commit::at(1).file("e\u{301}.txt", "a")),
        ("digit", Commit::at(1).file("\u{661}.txt", "a")),
        (
            "letters",
            Commit::at(1).file("Ünïcode.txt", "a").file("日本.txt", "b"),
        ),
        (
            "kelvin",
            Commit::at(1).file("k.txt", "a").file("\u{212a}.txt", "b"),
        ),
        ("trailing", Commit::at(1).file("x.", "a")),
        (
            "dots",
            Commit::at(1)
                .file("a..b", "a")
                .file(".hidden/.x", "b")
                .file(".github/w.yml", "c"),
        ),
        ("backtick", Commit::at(1).file("a`b", "a")),
        ("space", Commit::at(1).file("a b,c(d).txt", "a")),
        ("tilde", Commit::at(1).file("a~1.txt", "a")),
        (
            "archival",
            Commit::at(1)
                .file(".hg_archival.txt", "a")
                .file("d/.hg_archival.txt", "b"),
        ),
    ];
    for (name, tree) in trees {
        let path = format!("example.test/{name}");
        let repository = house.repository(&path);
        let one = repository.commit(
            "main",
            &tree
                .file("go.mod", go_mod(&path, "1.20"))
                .file("z.go", "package z\n"),
        );
        repository.tag("v1.0.0", &one);
        house.compare_query(&path, "v1.0.0");
    }
    house.rows("Z19");
    let path = "example.test/nothing";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000));
    repository.tag("v1.0.0", &one);
    house.compare_query(path, "v1.0.0");
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn licences_are_inherited() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z17 Z18");
    let cases: Vec<(&str, Commit)> = vec![
        ("plain", Commit::at(1).file("LICENSE", "root\n")),
        (
            "rootlink",
            Commit::at(1)
                .entry("120000", "LICENSE", "COPYING")
                .file("COPYING", "c\n"),
        ),
        (
            "ownlink",
            Commit::at(1)
                .file("LICENSE", "root\n")
                .entry("120000", "sub/LICENSE", "../LICENSE"),
        ),
        (
            "ownfolder",
            Commit::at(1)
                .file("LICENSE", "root\n")
                .file("sub/LICENSE/x", "x\n"),
        ),
        ("rootfolder", Commit::at(1).file("LICENSE/x", "x\n")),
        (
            "owntxt",
            Commit::at(1)
                .file("LICENSE", "root\n")
                .file("sub/LICENSE.txt", "own\n"),
        ),
        (
            "attributes",
            Commit::at(1)
                .file("LICENSE", "root\n$Id$\n")
                .file(".gitattributes", "* eol=crlf ident\n"),
        ),
        (
            "own",
            Commit::at(1)
                .file("LICENSE", "root\n")
                .file("sub/LICENSE", "own\n"),
        ),
    ];
    for (name, tree) in cases {
        let root = format!("example.test/license-{name}");
        let repository = house.repository(&root);
        let path = format!("{root}/sub");
        let one = repository.commit(
            "main",
            &tree
                .file("sub/go.mod", go_mod(&path, "1.20"))
                .file("sub/a.go", "package a\n"),
        );
        repository.tag("sub/v1.0.0", &one);
        house.compare_query(&path, "v1.0.0");
    }
    house.agrees().await;
}
