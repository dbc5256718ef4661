//! Against `git archive`, which decides what the bytes of a module are.

use super::*;
use crate::git::attributes::TreeAttributes;
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Writes a tree, archives it as `go` does, and compares every file with what we make of its blob.
fn agrees_with_git(files: &[(String, Vec<u8>)]) {
    let folder = tempfile::tempdir().unwrap();
    let (work, out) = (folder.path().join("work"), folder.path().join("out"));
    fs::create_dir_all(&out).unwrap();
    for (name, content) in files {
        let path = work.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    git(&work, &["init", "-q"]);
    // Blobs exactly as given, whatever the attributes in the tree say.
    fs::write(
        work.join(".git/info/attributes"),
        "* -text -crlf -ident !eol !working-tree-encoding\n",
    )
    .unwrap();
    git(&work, &["add", "-f", "."]);
    git(&work, &["commit", "-q", "-m", "tree"]);
    fs::write(
        work.join(".git/info/attributes"),
        "* -export-subst -export-ignore\n",
    )
    .unwrap();
    let archive = [
        "-c",
        "core.autocrlf=input",
        "-c",
        "core.eol=lf",
        "archive",
        "--format=tar",
        "HEAD",
    ];
    let mut archive = command(&work, &archive).stdout(Stdio::piped()).spawn().unwrap();
    let unpacked = Command::new("tar")
        .arg("-x")
        .arg("-C")
        .arg(&out)
        .stdin(archive.stdout.take().unwrap())
        .status();
    assert!(unpacked.unwrap().success() && archive.wait().unwrap().success());

    let mut sources: Vec<_> = files
        .iter()
        .filter_map(|(name, content)| {
            Some((
                name.strip_suffix(".gitattributes")?.trim_end_matches('/'),
                &content[..],
            ))
        })
        .collect();
    sources.sort_by_key(|(folder, _)| (folder.matches('/').count(), !folder.is_empty()));
    let attributes = TreeAttributes::new(sources);
    for (name, content) in files {
        let hash = git(&work, &["rev-parse", &format!("HEAD:{name}")]);
        let ours = attributes.of(name).unwrap().convert(content, hash.trim());
        let theirs = fs::read(out.join(name)).unwrap();
        assert_eq!(
            ours.as_bstr(),
            theirs.as_bstr(),
            "{name} of {:?}",
            content.as_bstr()
        );
    }
}

fn command(work: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    command
        .current_dir(work)
        .args(["-c", "user.name=t", "-c", "user.email=t@example.test"])
        .args(arguments)
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_ATTR_NOSYSTEM", "1");
    command
}

fn git(work: &Path, arguments: &[&str]) -> String {
    let output = command(work, arguments).output().unwrap();
    assert!(output.status.success(), "{}", output.stderr.as_bstr());
    String::from_utf8(output.stdout).unwrap()
}

const CONTENTS: [&[u8]; 14] = [
    b"",
    b"a\nb\n",
    b"a\r\nb\r\n",
    b"a\r\nb\n",
    b"a\rb\n",
    b"a\0b\n",
    b"\x01\x02\x03\n",
    b"\x1b[0m\x08\t\x0c\n",
    b"text\n\x1a",
    b"$Id$\n$Id: 0123 $\n$Id: foo bar $\n$Id:x$ $Id:$ $Id $ $Id\n$\n",
    b"$$Id$$Id$ $Id:\nx$ $Id: a$b $Id: y $Id$\n",
    b"$Id: never ends\n$Id$",
    b"$Id: really never ends\n",
    "grüße \u{1f600}\n".as_bytes(),
];

#[test]
fn line_ends_idents_and_encodings_are_those_of_git_archive() {
    let attributes = [
        "eol=crlf",
        "text eol=crlf",
        "crlf eol=crlf",
        "crlf=input eol=crlf",
        "text=input eol=crlf",
        "text=foo eol=crlf",
        "text=foo crlf=auto eol=crlf",
        "!text eol=crlf",
        "text=auto eol=crlf",
        "crlf=auto eol=crlf",
        "-text eol=crlf",
        "-crlf eol=crlf",
        "text -crlf eol=crlf",
        "binary eol=crlf",
        "text",
        "text=auto",
        "crlf",
        "eol=lf",
        "eol=CRLF",
        "-eol",
        "ident",
        "ident eol=crlf",
        "-ident",
        "ident=yes",
        "filter=lfs diff=lfs merge=lfs -text",
        "export-subst",
        "working-tree-encoding=UTF-16LE-BOM",
        "working-tree-encoding=UTF-16",
        "working-tree-encoding=utf-16be",
        "working-tree-encoding=UTF-16BE-BOM eol=crlf",
        "working-tree-encoding=UTF-32",
        "working-tree-encoding=UTF-32BE",
        "working-tree-encoding=ISO-8859-1",
        "working-tree-encoding=UTF-8",
        "working-tree-encoding=US-ASCII",
        "working-tree-encoding=no-such-encoding",
        "working-tree-encoding=UCS-2",
        "working-tree-encoding=UCS-2BE",
        "working-tree-encoding=cp1252",
        "working-tree-encoding=ISO-8859-15",
        "working-tree-encoding=KOI8-R",
        "-working-tree-encoding",
    ];
    let mut files = Vec::new();
    let mut rules = String::new();
    for (number, attributes) in attributes.iter().enumerate() {
        rules.push_str(&format!("*.{number:02} {attributes}\n"));
        for (content, bytes) in CONTENTS.iter().enumerate() {
            files.push((format!("f{content:02}.{number:02}"), bytes.to_vec()));
        }
    }
    files.push((".gitattributes".to_owned(), rules.into_bytes()));
    agrees_with_git(&files);
}

#[test]
fn patterns_macros_and_precedence_are_those_of_git_archive() {
    let long = format!("{}long.txt eol=crlf\n", " ".repeat(2100));
    let root = format!(
        "[attr]win text eol=crlf\n\
         dirslash/ eol=crlf\ndirstar/* eol=crlf\ndeep/**/z.txt eol=crlf\n/anch.txt eol=crlf\n\"quo ted.txt\" eol=crlf\n\
         \\#hash.txt eol=crlf\n!neg.txt eol=crlf\nCASE.TXT eol=crlf\n  blank.txt\teol=crlf\r\n*.win win\n*.over eol=crlf\n\
         *.back eol=crlf\n[ab].set eol=crlf\nq?.txt eol=crlf\n# comment\nw.bin eol=crlf binary\n*.multi text\n*.multi eol=crlf\n\
         sub/only.txt eol=crlf\n{long}"
    );
    let nested = "[attr]fake text eol=crlf\n*.fake fake\n*.over !eol\n*.back eol=lf\n*.back eol=crlf\n/here.txt eol=crlf\n*.win -win\n";
    let mut files = vec![
        (".gitattributes".to_owned(), root.into_bytes()),
        ("nested/.gitattributes".to_owned(), nested.as_bytes().to_vec()),
        (
            "nested/deeper/.gitattributes".to_owned(),
            b"*.over eol=crlf\n".to_vec(),
        ),
    ];
    for name in [
        "dirslash/a.txt",
        "dirstar/a.txt",
        "dirstar/b/a.txt",
        "deep/z.txt",
        "deep/a/z.txt",
        "deep/a/b/z.txt",
        "anch.txt",
        "x/anch.txt",
        "quo ted.txt",
        "#hash.txt",
        "!neg.txt",
        "neg.txt",
        "case.txt",
        "CASE.TXT",
        "blank.txt",
        "a.win",
        "nested/a.win",
        "a.over",
        "nested/a.over",
        "nested/deeper/a.over",
        "nested/a.back",
        "a.set",
        "c.set",
        "qu.txt",
        "q/.txt",
        "w.bin",
        "a.multi",
        "sub/only.txt",
        "nested/sub/only.txt",
        "nested/a.fake",
        "a.fake",
        "nested/here.txt",
        "here.txt",
        "long.txt",
        "nested/x/here.txt",
    ] {
        files.push((name.to_owned(), b"a\nb\n".to_vec()));
    }
    agrees_with_git(&files);
}

/// All that each table can write, and beside it what it cannot: every character up to U+FFFF.
#[test]
fn every_character_of_every_table_is_written_as_git_writes_it() {
    let names = [
        "ISO-8859-1",
        "ASCII",
        "ISO-8859-2",
        "ISO-8859-3",
        "ISO-8859-4",
        "ISO-8859-5",
        "ISO-8859-6",
        "ISO-8859-7",
        "ISO-8859-8",
        "ISO-8859-10",
        "ISO-8859-13",
        "ISO-8859-14",
        "ISO-8859-15",
        "ISO-8859-16",
        "KOI8-R",
        "IBM866",
        "WINDOWS-1250",
        "WINDOWS-1251",
        "CP1252",
        "CP1253",
        "CP1254",
        "CP1257",
    ];
    let characters = ('\u{1}'..='\u{FFFF}').filter(|one| !matches!(one, '\r'));
    for name in names {
        let encoding = Encoding::of(name.into()).unwrap();
        let (mut ours, mut text) = (Vec::new(), String::new());
        for one in characters.clone() {
            if let Some(bytes) = encoding.write(one.encode_utf8(&mut [0; 4])) {
                ours.extend_from_slice(&bytes);
                text.push(one);
            }
        }
        // git says nothing of a single character that it cannot write; the program beside its library passes them over.
        let mut theirs = Command::new("iconv");
        theirs.args(["-c", "-f", "UTF-8", "-t", name]);
        let mut theirs = match theirs.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn() {
            Ok(theirs) => theirs,
            Err(_) => testkit::skip_or_fail!("there is no iconv here"),
        };
        let mut stdin = theirs.stdin.take().unwrap();
        let all = characters.clone().collect::<String>();
        let fed = std::thread::spawn(move || std::io::Write::write_all(&mut stdin, all.as_bytes()));
        let theirs = theirs.wait_with_output().unwrap().stdout;
        fed.join().unwrap().unwrap();
        assert_eq!(ours.as_bstr(), theirs.as_bstr(), "{name}");
        agrees_with_git(&[
            (
                ".gitattributes".to_owned(),
                format!("*.txt working-tree-encoding={name}\n").into_bytes(),
            ),
            ("a.txt".to_owned(), text.into_bytes()),
        ]);
    }
}

#[test]
fn marks_nuls_and_long_last_lines_are_read_as_git_reads_them() {
    let last = |length: usize| format!("{:<width$}eol=crlf", "*.txt", width = length - 8);
    let contents = [
        b"\xEF\xBB\xBF*.txt eol=crlf\n*.md eol=crlf\n".to_vec(),
        b"*.md eol=crlf\n\0*.txt eol=crlf\n".to_vec(),
        b"*.txt eol\0=crlf\n*.md eol=crlf\n".to_vec(),
        last(2046).into_bytes(),
        last(2047).into_bytes(),
        last(2048).into_bytes(),
    ];
    for content in contents {
        agrees_with_git(&[
            (".gitattributes".to_owned(), content),
            ("a.txt".to_owned(), b"a\n".to_vec()),
            ("a.md".to_owned(), b"a\n".to_vec()),
        ]);
    }
}

#[test]
fn an_encoding_that_is_not_known_exactly_is_told() {
    for name in [
        "CP437",
        "UTF-7",
        "GB2312",
        "SHIFT_JIS",
        "EUC-JP",
        "KOI8-U",
        "UTF-32LE-BOM",
        "EBCDIC-US",
    ] {
        let rules = format!("*.txt working-tree-encoding={name}\n");
        let attributes = TreeAttributes::new([("", rules.as_bytes())]);
        assert_eq!(
            attributes.of("a.txt").unwrap().unknown_encoding(),
            Some(name.into())
        );
        assert_eq!(attributes.of("a.go").unwrap().unknown_encoding(), None);
    }
}

#[test]
fn an_encoding_without_a_name_fails_the_module() {
    let attributes = TreeAttributes::new([("", b"*.txt working-tree-encoding\n".as_slice())]);
    assert!(attributes.of("a.txt").is_err());
    assert!(attributes.of("a.go").unwrap().is_nothing());
}
