//! Questions and trees that are rarer still, each with the smallest repository that shows what go makes of it.

use super::House;
use testkit::{
    git::{Commit, Repository},
    skip_or_fail,
};

fn go_mod(path: &str) -> String {
    format!("module {path}\n\ngo 1.20\n")
}

/// The pseudo-version of a commit at 1 600 000 000, after this base.
fn pseudo(base: &str, commit: &str) -> String {
    format!("{base}20200913122640-{}", &commit[..12])
}

/// A tree made by hand: names may be any bytes.
fn tree(repository: &Repository, entries: &[(&str, &[u8], &str)]) -> String {
    let mut content = Vec::new();
    for (mode, name, id) in entries {
        content.extend_from_slice(mode.as_bytes());
        content.push(b' ');
        content.extend_from_slice(name);
        content.push(0);
        content.extend(
            (0..id.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&id[at..at + 2], 16).unwrap()),
        );
    }
    repository.write_object("tree", &content)
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_questions() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    // The hash of a tag that is an object.
    let path = "example.test/annotated";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("go.mod", go_mod(path)));
    repository.annotate("v1.0.0", &one, 1_600_000_100);
    repository.annotate("note", &one, 1_600_000_200);
    let two = repository.commit(
        "main",
        &Commit::at(1_600_000_300).file("go.mod", go_mod(path)).after(&one),
    );
    repository.annotate("other", &two, 1_600_000_400);
    for tag in ["v1.0.0", "note", "other"] {
        let object = repository.hash(&format!("refs/tags/{tag}"));
        assert!(object != one && object != two);
        house.compare(
            path,
            &[&object, &object[..12], &object[..7], &pseudo("v0.0.0-", &object)],
        );
    }

    // A tag on a tag: the inner one is named by no ref. And one on what is no commit.
    let path = "example.test/nested";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("go.mod", go_mod(path)));
    repository.annotate("inner", &one, 1_600_000_100);
    let inner = repository.hash("refs/tags/inner");
    repository.annotate("outer", &inner, 1_600_000_200);
    repository.annotate("tree", &repository.hash("main^{tree}"), 1_600_000_300);
    repository.remove("refs/tags/inner");
    for object in [
        inner,
        repository.hash("refs/tags/outer"),
        repository.hash("refs/tags/tree"),
        repository.hash("main^{tree}"),
    ] {
        for query in [&object, &object[..12]] {
            house.compare_query(path, query);
        }
    }

    // Pseudo-versions of every form of a module that has no go.mod.
    let path = "example.test/plain";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("a.go", "package a\n"));
    for base in [
        "v0.0.0-",
        "v1.0.0-",
        "v1.0.1-0.",
        "v2.0.0-",
        "v2.0.1-0.",
        "v3.0.0-",
        "v0.1.0-",
    ] {
        let version = pseudo(base, &one);
        house.compare(path, &[&version, &format!("{version}+incompatible")]);
    }
    for (path, base) in [
        ("example.test/plain/v2", "v2.0.0-"),
        ("example.test/plain/v2", "v3.0.0-"),
    ] {
        house.compare(path, &[&pseudo(base, &one)]);
    }

    // The commit itself has a tag that is no canonical version.
    let path = "example.test/odd-tags";
    let repository = house.repository(path);
    let mut last = String::new();
    for (number, tag) in ["v1.1.0", "v1.2", "v1.3.0+meta", "v2.0.0", "v1", "v1.2.0-rc.1"]
        .into_iter()
        .enumerate()
    {
        let mut next = Commit::at(1_600_000_000 + number as u64).file("go.mod", go_mod(path));
        if !last.is_empty() {
            next = next.after(&last);
        }
        last = repository.commit("main", &next);
        repository.tag(tag, &last);
        house.compare(path, &[&last, &last[..12], tag]);
    }
    house.compare(path, &["latest", "main"]);

    // A submodule where a module is asked for, and where a major version would lie.
    let path = "example.test/linked";
    let repository = house.repository(path);
    let inner = repository.commit(
        "inner",
        &Commit::at(1_600_000_000).file("go.mod", go_mod("example.test/linked/sub")),
    );
    let outer = Commit::at(1_600_000_100)
        .file("go.mod", go_mod(path))
        .entry("160000", "sub", inner.clone())
        .entry("160000", "v2", inner.clone());
    let one = repository.commit("main", &outer);
    for tag in ["v1.0.0", "sub/v1.0.0", "v2.0.0", "sub/deep/v1.0.0"] {
        repository.tag(tag, &one);
    }
    house.compare(path, &["v1.0.0", "latest", "v2.0.0"]);
    for path in [
        "example.test/linked/sub",
        "example.test/linked/v2",
        "example.test/linked/sub/deep",
    ] {
        house.compare(path, &["v1.0.0", "v2.0.0", "latest", "main"]);
    }
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rare_trees() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    // Names that are not UTF-8, where they would be in the zip and where they would not.
    let blob = |repository: &Repository, text: &str| repository.write_object("blob", text.as_bytes());
    for (name, folder) in [
        ("kept", None),
        ("vendored", Some("vendor")),
        ("nested", Some("inner")),
    ] {
        let path = format!("example.test/bytes-{name}");
        let repository = house.repository(&path);
        let (module, odd) = (
            blob(&repository, &go_mod(&path)),
            blob(&repository, "package a\n"),
        );
        let inner_module = blob(&repository, &go_mod(&format!("{path}/inner")));
        let root = match folder {
            None => tree(
                &repository,
                &[("100644", b"a\xff.go", &odd), ("100644", b"go.mod", &module)],
            ),
            Some(folder) => {
                let mut entries: Vec<(&str, &[u8], &str)> = vec![("100644", b"a\xff.go", &odd)];
                if folder == "inner" {
                    entries.push(("100644", b"go.mod", &inner_module));
                }
                let below = tree(&repository, &entries);
                let below = if folder == "vendor" {
                    tree(&repository, &[("40000", b"x", &below)])
                } else {
                    below
                };
                let mut entries: Vec<(&str, &[u8], &str)> = vec![
                    ("100644", b"go.mod", &module),
                    ("40000", folder.as_bytes(), &below),
                ];
                entries.sort_by_key(|(_, name, _)| name.to_vec());
                tree(&repository, &entries)
            }
        };
        let commit = format!(
            "tree {root}\nauthor T <t@e.test> 1600000000 +0000\ncommitter T <t@e.test> 1600000000 +0000\n\nm\n"
        );
        let commit = repository.write_object("commit", commit.as_bytes());
        repository.branch("main", &commit);
        repository.tag("v1.0.0", &commit);
        house.compare(&path, &["v1.0.0"]);
    }

    // An attribute that git cannot obey, on a file that is in the zip and on one that is not.
    for (name, pattern) in [("kept", "*.txt"), ("vendored", "vendor/x/*.txt")] {
        for value in [
            "working-tree-encoding",
            "working-tree-encoding=",
            "working-tree-encoding=NONSENSE",
        ] {
            let path = format!("example.test/encoding-{name}-{}", value.len());
            let repository = house.repository(&path);
            let one = repository.commit(
                "main",
                &Commit::at(1_600_000_000)
                    .file("go.mod", go_mod(&path))
                    .file("a.txt", "text\n")
                    .file("vendor/x/b.txt", "text\n")
                    .file(".gitattributes", format!("{pattern} {value}\n")),
            );
            repository.tag("v1.0.0", &one);
            house.compare(&path, &["v1.0.0"]);
        }
    }
    house.agrees().await;
}

/// What a page writes is what an `.info` says of where it came from.
#[tokio::test(flavor = "multi_thread")]
async fn addresses_are_told_as_they_were_written() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    let repository = house.repository("example.test/written");
    let one = repository.commit(
        "main",
        &Commit::at(1_600_000_000).file("go.mod", go_mod("example.test/written")),
    );
    repository.tag("v1.0.0", &one);
    house.compare("example.test/written", &["v1.0.0"]);
    let ways: [fn(&str) -> String; 5] = [
        |url| url.replacen("127.0.0.1", "LocalHost", 1),
        |url| url.replacen("/example", "/./example", 1),
        |url| url.replacen("/example", "/x/../example", 1),
        |url| url.replacen("written", "%77ritten", 1),
        |url| format!("{url}/"),
    ];
    for (number, write) in ways.into_iter().enumerate() {
        let prefix = format!("example.test/written-{number}");
        house.also_written(&prefix, "example.test/written", write);
        house.compare(&prefix, &["v1.0.0", "main"]);
    }
    house.agrees().await;
}
