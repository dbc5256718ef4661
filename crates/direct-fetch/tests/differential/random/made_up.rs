//! What a seed makes of a repository: its history, tags, trees, `go.mod` files, names, contents and attributes.

use super::FOLDERS;
use rand::{RngExt as _, SeedableRng as _, rngs::StdRng, seq::IndexedRandom as _};
use std::collections::BTreeSet;
use testkit::git::{Commit, Repository};

/// A repository while it is being made up.
pub(super) struct MadeUp {
    random: StdRng,
    /// The module path of its root.
    pub(super) path: String,
}

impl MadeUp {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            path: format!("example.test/random{seed}"),
        }
    }

    fn one_in(&mut self, chances: u32) -> bool {
        self.random.random_ratio(1, chances)
    }

    fn of<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all.choose(&mut self.random).unwrap()
    }

    /// Commits with branches, side lines and merges; the last is `main` unless there is none.
    pub(super) fn history(&mut self, repository: &Repository) -> Vec<String> {
        let mut commits: Vec<String> = Vec::new();
        let number = self.random.random_range(3..7);
        for index in 0..number {
            let time = 1_600_000_000 + index * 1000 + self.random.random_range(0..3000);
            let mut commit = self.tree(Commit::at(time));
            if let Some(last) = commits.last() {
                let parent = if self.one_in(4) { &commits[0] } else { last };
                commit = commit.after(parent);
                let other = commits.choose(&mut self.random).unwrap();
                if other != parent && self.random.random_ratio(1, 4) {
                    commit = commit.after(other);
                }
            }
            let branch = if index + 1 == number && !self.one_in(8) {
                "main"
            } else {
                self.of(&[
                    "dev",
                    "feature/x",
                    "v1.2.3",
                    "v0.5.0",
                    "deadbeef",
                    "sub/v1.0.0",
                    "wip",
                ])
            };
            commits.push(repository.commit(branch, &commit));
        }
        commits
    }

    pub(super) fn tags(&mut self, repository: &Repository, commits: &[String]) -> Vec<String> {
        const NAMES: &[&str] = &[
            "v0.1.0",
            "v1.0.0",
            "v1.0.0-pre",
            "v1.2.3",
            "v1.2.4-rc.1",
            "v1.9.0",
            "v2.0.0",
            "v2.1.0-beta.2",
            "v2.3.4",
            "v3.0.0",
            "v2.0.0+incompatible",
            "v1.4.0+meta",
            "v1",
            "v2",
            "v1.2",
            "1.0.0",
            "v01.2.3",
            "V1.0.0",
            "v0.0.0-20210801000000-abcdefabcdef",
            "v0.1.0-20210801000000-abcdefabcdef",
            "v1.2.4-0.20210801000000-abcdefabcdef",
            "nightly",
        ];
        let mut tags = BTreeSet::new();
        for _ in 0..self.random.random_range(4..12) {
            let folder = self.of(&["", "", "", "sub", "sub", "v2", "sub/v2", "a/b"]);
            let name = self.of(NAMES);
            let name = if folder.is_empty() {
                name.to_owned()
            } else {
                format!("{folder}/{name}")
            };
            // A ref cannot lie in a folder whose name another ref has.
            let clash = |other: &String| {
                other.starts_with(&format!("{name}/")) || name.starts_with(&format!("{other}/"))
            };
            if tags.iter().any(clash) {
                continue;
            }
            let commit = commits.choose(&mut self.random).unwrap();
            match self.random.random_range(0..10) {
                0 => {
                    let object = repository.hash(&format!("{commit}^{{tree}}"));
                    repository.tag(&name, &object);
                }
                1..4 => repository.annotate(&name, commit, 1_700_000_000),
                _ => repository.tag(&name, commit),
            }
            tags.insert(name);
        }
        tags.into_iter().collect()
    }

    /// Right, nearly right or wrong.
    pub(super) fn pseudo_version(&mut self, repository: &Repository, commit: &str) -> String {
        let time = repository.git(["show", "-s", "--format=%cd", "--date=format:%Y%m%d%H%M%S", commit]);
        let time = if self.one_in(8) { "20200102030405" } else { &time };
        let base = self.of(&[
            "v0.0.0-",
            "v0.0.0-",
            "v2.0.0-",
            "v1.0.0-",
            "v0.1.1-0.",
            "v1.0.1-0.",
            "v1.2.4-0.",
            "v1.2.4-rc.1.0.",
            "v2.0.1-0.",
            "v2.3.5-0.",
            "v1.4.1-0.",
        ]);
        format!("{base}{time}-{}", &commit[..12])
    }

    fn tree(&mut self, mut commit: Commit) -> Commit {
        let mut used = BTreeSet::new();
        for folder in FOLDERS {
            let within = |name: &str| {
                if folder.is_empty() {
                    name.to_owned()
                } else {
                    format!("{folder}/{name}")
                }
            };
            if folder.is_empty() || !self.one_in(3) {
                if let Some(go_mod) = self.go_mod(folder) {
                    commit = if self.one_in(20) {
                        commit.entry("120000", &within("go.mod"), "other.mod")
                    } else {
                        commit.file(&within("go.mod"), go_mod)
                    };
                }
                if self.one_in(3) {
                    commit = match self.random.random_range(0..4) {
                        0 => commit.entry("120000", &within("LICENSE"), "COPYING"),
                        1 => commit.file(&within("LICENSE/text"), "a folder\n"),
                        _ => commit.file(&within("LICENSE"), format!("of {folder}\n$Id$\n")),
                    };
                }
                if self.one_in(3) {
                    commit = commit.file(&within(".gitattributes"), self.attributes());
                }
                for _ in 0..self.random.random_range(1..7) {
                    let name = within(self.name());
                    if used.insert(name.to_lowercase()) {
                        let content = self.content();
                        commit = match self.random.random_range(0..12) {
                            0 => commit.entry("100755", &name, content),
                            1 => commit.entry("120000", &name, "go.mod"),
                            2 => commit.entry("160000", &name, "1234567890123456789012345678901234567890"),
                            _ => commit.file(&name, content),
                        };
                    }
                }
            }
        }
        commit
    }

    fn go_mod(&mut self, folder: &str) -> Option<String> {
        let mut path = match folder {
            "" => self.path.clone(),
            folder => format!("{}/{folder}", self.path),
        };
        if folder.is_empty() && self.one_in(5) {
            path.push_str("/v2");
        }
        let module = match self.random.random_range(0..24) {
            0..3 => return None,
            3 => String::new(),
            4 => "module gopkg.in/foo.v3\n".to_owned(),
            5 => "module example.test/another\n".to_owned(),
            6 => format!("module \"{path}\" // quoted\n"),
            7 => format!("module (\n\t{path}\n)\n"),
            8 => format!("\u{feff}module {path}\n"),
            9 => format!("// Deprecated: no\nmodule {path}\r\n\r\n"),
            10 => format!("module {path}/v3\n"),
            _ => format!("module {path}\n"),
        };
        let go = self.of(&[
            "go 1.20\n",
            "go 1.23\n",
            "go 1.24\n",
            "go 1.24rc1\n",
            "go 1.21.3\n",
            "",
            "go v1.24\n",
        ]);
        let more = self.of(&[
            "",
            "",
            "",
            "",
            "retract v1.2.3\n",
            "retract [v0.1.0, v1.0.0] // why\n",
            "retract (\n\tv2.0.0\n\tv1.9.0\n)\n",
            "require example.test/x v1.0.0\n",
            "require foo.com/x v2.0.0\n",
            "nonsense\n",
            "replace bad\n",
        ]);
        Some(format!("{module}\n{go}{more}"))
    }

    fn name(&mut self) -> &'static str {
        // Of names that no module may have only few, since one of them refuses the whole tree.
        if self.one_in(40) {
            return self.of(&[
                "a:b.txt",
                "aux.go",
                "x.",
                "e\u{301}.txt",
                "\u{1f600}.txt",
                "a`b",
                "it's.txt",
            ]);
        }
        self.of(&[
            "a.go",
            "b.txt",
            "c.crlf",
            "deep/er/z.txt",
            "deep/z.txt",
            "Ünïcode.txt",
            "日本.txt",
            "vendor/modules.txt",
            "vendor/p/p.go",
            "vendor/x.go",
            "pkg/vendor/v.go",
            "pkg/vendor/q/v.go",
            "with space.txt",
            ".hidden/x",
            "a..b",
            "CASE.TXT",
            "nested/go.mod",
            "nested/n.go",
            "testdata/d.bin",
            "other.mod",
            "go.sum",
            "a~1.txt",
            "#hash.txt",
            "!neg.txt",
            "quo\"ted.txt",
            "star*.txt",
            "sub.txt",
            "n/GO.MOD",
            "LICENSE.txt",
        ])
    }

    fn content(&mut self) -> Vec<u8> {
        let pieces: &[&[u8]] = &[
            b"a\nb\n",
            b"a\r\nb\r\n",
            b"lone\rcr\n",
            b"no end",
            b"$Id$\n",
            b"$Id: 0123 $\n",
            b"$Id: foo bar $\n",
            b"$Id",
            b"$Format:%H$\n",
            "grüße\n".as_bytes(),
            b"nul\0\n",
            b"\x01\x02\x03\x04\n",
            b"\xff\xfe\n",
            b"\x1a",
            b"",
        ];
        let mut content = Vec::new();
        for _ in 0..self.random.random_range(0..4) {
            content.extend_from_slice(pieces.choose(&mut self.random).unwrap());
        }
        content
    }

    fn attributes(&mut self) -> String {
        const PATTERNS: &[&str] = &[
            "*",
            "*.txt",
            "*.go",
            "*.crlf",
            "/a.go",
            "deep/**",
            "deep/**/z.txt",
            "deep/*",
            "**/z.txt",
            "vendor/",
            "*.TXT",
            "\"with space.txt\"",
            "\\#hash.txt",
            "!neg.txt",
            "[ab].*",
            "go.mod",
            "LICENSE",
            "sub/*.txt",
            "nested/*",
            "?.txt",
        ];
        const ATTRIBUTES: &[&str] = &[
            "eol=crlf",
            "text=auto eol=crlf",
            "text eol=crlf",
            "-text eol=crlf",
            "binary",
            "text",
            "eol=lf",
            "ident",
            "-ident",
            "!eol",
            "!text",
            "crlf",
            "-crlf",
            "crlf=input",
            "export-subst",
            "export-ignore",
            "filter=lfs",
            "working-tree-encoding=UTF-16",
            "working-tree-encoding=UTF-8",
            "working-tree-encoding=nonsense",
            "-working-tree-encoding",
            "win",
            "-win",
            "text=foo eol=crlf",
            "eol=crlf ident",
        ];
        let mut lines = String::new();
        if self.one_in(4) {
            lines.push_str("[attr]win text eol=crlf\n");
        }
        for _ in 0..self.random.random_range(1..5) {
            let end = self.of(&["\n", "\n", "\r\n", "  # no comment\n"]);
            lines.push_str(&format!("{} {}{end}", self.of(PATTERNS), self.of(ATTRIBUTES)));
        }
        lines
    }
}
