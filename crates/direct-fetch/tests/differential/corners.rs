//! Rules that few repositories ever meet, each with the smallest repository that does.

use super::House;
use testkit::{git::Commit, skip_or_fail};

fn go_mod(path: &str) -> String {
    format!("module {path}\n\ngo 1.20\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn corners_of_versions() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("G11");
    // Two commits whose hashes begin with the same seven digits, found by trying times.
    let path = "example.test/twins";
    let repository = house.repository(path);
    let twins = [1_600_015_534, 1_600_030_148].map(|time| {
        let name = format!("at-{time}");
        repository.commit(&name, &Commit::at(time).file("go.mod", go_mod(path)))
    });
    assert_eq!(twins[0][..7], twins[1][..7]);
    let tip = Commit::at(1_600_100_000)
        .file("go.mod", go_mod(path))
        .after(&twins[0]);
    repository.commit("main", &tip);
    house.compare(path, &[&twins[0][..7], &twins[0][..8], &twins[1][..8], "latest"]);

    // The same below the tips, where only history can tell.
    let path = "example.test/buried";
    let repository = house.repository(path);
    let deep = twins.each_ref().map(|twin| twin[..7].to_owned());
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("go.mod", go_mod(path)));
    let two = repository.commit(
        "main",
        &Commit::at(1_600_000_100).file("go.mod", go_mod(path)).after(&one),
    );
    repository.tag("v1.0.0", &two);
    house.compare(path, &[&one[..7], &one, &deep[0], "latest", "HEAD", &two]);

    // HEAD on a commit to which no branch and no tag leads, above a tag: what is before it is found all the same.
    let path = "example.test/detached";
    let repository = house.repository(path);
    let tree = |time| Commit::at(time).file("go.mod", go_mod(path));
    let one = repository.commit("main", &tree(1_600_000_000));
    repository.tag("v1.0.0", &one);
    let two = repository.commit("apart", &tree(1_600_000_100).after(&one));
    let three = repository.commit("apart", &tree(1_600_000_200).after(&two));
    repository.git(["update-ref", "--no-deref", "HEAD", &three]);
    repository.remove("refs/heads/apart");
    house.compare(path, &["HEAD", "latest", &three, &three[..12], &two, "main"]);

    // A branch whose name is no UTF-8: its commit is a tip like any other.
    let path = "example.test/latin";
    let repository = house.repository(path);
    let tree = |time| Commit::at(time).file("go.mod", go_mod(path));
    let one = repository.commit("main", &tree(1_600_000_000));
    repository.tag("v1.0.0", &one);
    let two = repository.commit("main", &tree(1_600_000_100).after(&one));
    let three = repository.commit("apart", &tree(1_600_000_200).after(&one));
    let names = [(b"t\xe9".as_slice(), &two), (b"t\xe8", &three)];
    for (name, commit) in names {
        let update = [b"create refs/heads/", name, b" ", commit.as_bytes(), b"\n"].concat();
        repository.git_with_input(["update-ref", "--stdin"], &update);
    }
    repository.remove("refs/heads/apart");
    house.compare(path, &["v1.0.0", "main", "latest", &two, &three, &three[..12]]);

    // A major version that is no number of 64 bits.
    let path = "example.test/huge";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("a.go", "package a\n"));
    repository.tag("v1.0.0", &one);
    repository.tag("v36893488147419103232.0.0", &one);
    house.compare(
        path,
        &["v1.0.0", "v36893488147419103232.0.0+incompatible", "latest"],
    );

    house.rows("G58");
    // `v3` by its tags, and by no go.mod.
    let path = "example.test/third";
    let repository = house.repository(path);
    let one = repository.commit("main", &Commit::at(1_600_000_000).file("a.go", "package a\n"));
    repository.tag("v3.0.0", &one);
    repository.tag("v3.1.0", &one);
    house.compare("example.test/third/v3", &["v3.0.0", "v3.1.0", "main", "latest"]);
    house.compare(path, &["v3.0.0", "latest"]);

    house.rows("G60");
    // The import path of a whole repository ends in its major version: no folder `v2` is looked for.
    let path = "example.test/full/v2";
    let repository = house.repository(path);
    let tree = Commit::at(1_600_000_000)
        .file("go.mod", go_mod(path))
        .file("v2/go.mod", go_mod(path))
        .file("v2/inner.go", "package inner\n");
    let one = repository.commit("main", &tree);
    repository.tag("v2.0.0", &one);
    repository.tag("v1.0.0", &one);
    house.compare(path, &["v2.0.0", "v1.0.0", "main", "latest", &one]);

    house.rows("G43 G53");
    // Nothing but a HEAD that leads nowhere; a fork at a plain path that names gopkg.in; author and committer apart.
    let path = "example.test/nowhere";
    house.repository(path).set_head("none");
    house.compare(
        path,
        &[
            "latest",
            "HEAD",
            "v0.0.0-20200102030405-0123456789ab",
            "0123456789ab",
        ],
    );
    let path = "example.test/forked";
    let repository = house.repository(path);
    let fork = Commit::at(1_600_000_000).file("go.mod", "module gopkg.in/foo.v3\n");
    let one = repository.commit("main", &fork);
    for tag in ["v1.0.0", "v3.0.0"] {
        repository.tag(tag, &one);
    }
    house.compare(path, &["v1.0.0", "v3.0.0", "main", "latest"]);
    house.compare("example.test/forked/v3", &["v3.0.0"]);

    house.rows("G6 G37 G47");
    // Tags of tags, and tags of a folder that look like what they are not.
    let path = "example.test/nested";
    let repository = house.repository(path);
    let tree = Commit::at(1_600_000_000)
        .file("go.mod", go_mod(path))
        .file("sub/go.mod", go_mod("example.test/nested/sub"));
    let one = repository.commit("main", &tree);
    repository.annotate("inner", &one, 1_600_000_100);
    let inner = repository.hash("refs/tags/inner");
    let object =
        format!("object {inner}\ntype tag\ntag v1.0.0\ntagger T <t@e.test> 1600000200 +0000\n\nouter\n");
    repository.tag("v1.0.0", &repository.write_object("tag", object.as_bytes()));
    repository.tag("sub/v1.2.4-0.20210801000000-abcdefabcdef", &one);
    house.compare(path, &["v1.0.0", "inner", "main", "HEAD"]);
    house.compare(
        "example.test/nested/sub",
        &["main", "latest", "v1.2.4-0.20210801000000-abcdefabcdef"],
    );

    house.rows("G55");
    let path = "example.test/long-hashes";
    if let Some(repository) = house.repository_of_sha256(path) {
        let tree = |time| {
            Commit::at(time)
                .file("go.mod", go_mod(path))
                .file("a.txt", "$Id$\n")
                .file(".gitattributes", "*.txt ident\n")
        };
        let one = repository.commit("main", &tree(1_600_000_000));
        repository.tag("v1.0.0", &one);
        let two = repository.commit("main", &tree(1_600_000_100).after(&one));
        repository.commit("dev", &tree(1_600_000_200).after(&two));
        let pseudo = format!("v1.0.1-0.20200913122820-{}", &two[..12]);
        house.compare(
            path,
            &[
                "v1.0.0",
                "main",
                "dev",
                "latest",
                &two,
                &two[..12],
                &one[..40],
                &pseudo,
            ],
        );
    }
    house.agrees().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn corners_of_attributes() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z26 Z27 Z28");
    let path = "example.test/attributes";
    let repository = house.repository(path);
    let long = format!("long.txt {} eol=crlf\n", "text ".repeat(420));
    let rules = format!(
        "[attr]win text eol=crlf\ndirslash/ eol=crlf\ndirstar/* eol=crlf\ndeep/**/z.txt eol=crlf\n/anch.txt eol=crlf\n\
         \"quo ted.txt\" eol=crlf\n\\#hash.txt eol=crlf\n!neg.txt eol=crlf\nCASE.TXT eol=crlf\nreturn.txt eol=crlf\r\n\
         \x20\x20blanks.txt   eol=crlf\nmacro.txt win\nstar*.txt eol=crlf\n**/two.txt eol=crlf\nset[ab].txt eol=crlf\n{long}"
    );
    let mut tree = Commit::at(1_600_000_000)
        .file("go.mod", go_mod(path))
        .file(".gitattributes", rules)
        .file(
            "nested/.gitattributes",
            "[attr]dos text eol=crlf\nmacro.txt dos\n",
        )
        .file("linked/other", "*.txt eol=crlf\n")
        .entry("120000", "linked/.gitattributes", "other");
    let names = "dirslash/a.txt dirslash/er/a.txt dirstar/a.txt dirstar/er/a.txt deep/z.txt deep/er/z.txt deep/e/r/z.txt \
                 anch.txt sub/anch.txt #hash.txt neg.txt !neg.txt CASE.TXT case.txt2 return.txt blanks.txt macro.txt \
                 nested/macro.txt sub/macro.txt linked/a.txt long.txt starry.txt sub/starry.txt two.txt a/b/two.txt seta.txt \
                 setc.txt";
    for name in names.split_whitespace().chain(["quo ted.txt"]) {
        tree = tree.file(name, "a\nb\n");
    }
    let one = repository.commit("main", &tree);
    repository.tag("v1.0.0", &one);
    house.compare(path, &["v1.0.0"]);

    house.rows("Z4 Z5 Z7 Z28");
    for (name, attributes) in [
        ("valueless", "*.txt working-tree-encoding\n"),
        ("unset", "*.txt -working-tree-encoding\n"),
        ("unknown", "*.txt working-tree-encoding=nonsense\n"),
        ("latin", "*.txt working-tree-encoding=ISO-8859-1\n"),
        ("ascii", "*.txt working-tree-encoding=US-ASCII\n"),
        ("windows", "*.txt working-tree-encoding=cp1252\n"),
        ("units", "*.txt working-tree-encoding=UCS-2\n"),
        ("mark", "\u{feff}*.txt eol=crlf\n*.go eol=crlf\n"),
        ("nul", "*.txt eol=crlf\n\0*.txt eol=lf\n"),
        ("utf32", "*.txt working-tree-encoding=UTF-32\n"),
        ("utf16", "*.txt working-tree-encoding=UTF-16 eol=crlf ident\n"),
        ("everything", "* text=auto eol=crlf\n"),
        ("autocrlf", "* crlf\n*.txt eol=crlf text=auto ident\n"),
    ] {
        let path = format!("example.test/encoding-{name}");
        let repository = house.repository(&path);
        let tree = Commit::at(1_600_000_000)
            .file("go.mod", go_mod(&path))
            .file("LICENSE", "a\nb\n")
            .file(".gitattributes", attributes)
            .file("sub/go.mod", go_mod(&format!("{path}/sub")))
            .file("a.txt", "gr\u{fc}\u{df}e\n$Id$\n");
        let one = repository.commit("main", &tree);
        repository.tag("v1.0.0", &one);
        repository.tag("sub/v1.0.0", &one);
        house.compare_query(&path, "v1.0.0");
        house.compare_query(&format!("{path}/sub"), "v1.0.0");
    }
    let path = "example.test/encoding-library";
    let tree = Commit::at(1_600_000_000)
        .file("go.mod", go_mod(path))
        .file(".gitattributes", "*.txt working-tree-encoding=CP437\n")
        .file("a.txt", "gr\u{fc}\u{df}e\n");
    let repository = house.repository(path);
    let one = repository.commit("main", &tree);
    repository.tag("v1.0.0", &one);
    house.compare_query(path, "v1.0.0");
    house.agrees().await;
}

/// More than a module may hold, by a byte: 16 MiB of a `go.mod` or a `LICENSE`, 500 MiB of everything.
#[tokio::test(flavor = "multi_thread")]
async fn sizes_have_limits() {
    let Some(mut house) = House::build() else {
        skip_or_fail!("go or git is not installed")
    };
    house.rows("Z21");
    for (name, more) in [("just", 0), ("over", 1)] {
        let path = format!("example.test/licence-{name}");
        let repository = house.repository(&path);
        let tree = Commit::at(1_600_000_000)
            .file("go.mod", go_mod(&path))
            .file("LICENSE", vec![b'x'; (16 << 20) + more]);
        repository.tag("v1.0.0", &repository.commit("main", &tree));
        house.compare_query(&path, "v1.0.0");

        let path = format!("example.test/gomod-{name}");
        let repository = house.repository(&path);
        let mut content = go_mod(&path).into_bytes();
        content.extend_from_slice(b"//");
        content.resize((16 << 20) + more, b'x');
        repository.tag(
            "v1.0.0",
            &repository.commit("main", &Commit::at(1_600_000_000).file("go.mod", content)),
        );
        house.compare_query(&path, "v1.0.0");
    }
    // What is just small enough takes go a minute to zip, so an ordinary run has only what is too large.
    house.rows("Z20");
    for (name, more) in [("just", 0), ("over", 1)] {
        if more == 0 && !super::random::is_torture() {
            continue;
        }
        const FILES: usize = 10;
        let path = format!("example.test/tree-{name}");
        let go_mod = go_mod(&path);
        let repository = house.repository(&path);
        let mut tree = Commit::at(1_600_000_000).file("go.mod", go_mod.clone());
        let rest = (500 << 20) + more - go_mod.len();
        for number in 0..FILES {
            // All but the last are the same blob, which is stored once.
            let size = if number + 1 < FILES {
                rest / FILES
            } else {
                rest - rest / FILES * (FILES - 1)
            };
            tree = tree.file(&format!("{number}.bin"), vec![0; size]);
        }
        repository.tag("v1.0.0", &repository.commit("main", &tree));
        house.compare_query(&path, "v1.0.0");
    }
    house.agrees().await;
}
