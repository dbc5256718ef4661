//! The repository that is measured, made from a seed.
//!
//! Half of a version is text that compresses, half is what does not, such as pictures. Each version changes a few lines
//! of some texts and replaces one picture, so that the whole is about four times one version.

use std::{
    fmt::Write as _,
    io::Write as _,
    process::{Command, Stdio},
    sync::Arc,
};
use testkit::{
    certificates::TestAuthority,
    git::{FakeDomain, GitHost, Repository},
    module::incompressible,
};

pub(crate) const TAGS: usize = 500;
pub(crate) const MODULE: &str = "bench.test/large";

const TEXTS: usize = 300;
const TEXT: usize = 20 << 10;
const PICTURES: usize = 75;
const PICTURE: usize = 80 << 10;
const TEXTS_CHANGED: usize = 5;

pub(crate) struct World {
    pub(crate) host: GitHost,
    pub(crate) domain: FakeDomain,
    repository: Repository,
}

impl World {
    pub(crate) fn make() -> Self {
        let host = GitHost::start();
        let authority = Arc::new(TestAuthority::new());
        let domain = FakeDomain::start(&authority);
        let repository = host.repository("large.git");
        domain.import(MODULE, "git", &host.repository_url("large.git"));
        fill(&repository);
        repository.git(["repack", "-a", "-d", "-f", "-q"]);
        Self {
            host,
            domain,
            repository,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.host.repository_url("large.git")
    }

    /// So many versions, spread over all there are.
    pub(crate) fn versions(&self, count: usize) -> Vec<String> {
        (0..count)
            .map(|index| format!("v0.{}.0", index * TAGS / count + 1))
            .collect()
    }

    pub(crate) fn packed(&self) -> u64 {
        let packs = std::fs::read_dir(self.repository.folder().join("objects/pack"));
        let packs = packs.expect("there is a pack").flatten();
        packs
            .filter(|file| file.path().extension().is_some_and(|end| end == "pack"))
            .filter_map(|file| Some(file.metadata().ok()?.len()))
            .sum()
    }
}

/// Writes all commits and tags by one `git fast-import`.
fn fill(repository: &Repository) {
    let mut command = Command::new("git");
    command
        .args(["fast-import", "--quiet", "--date-format=raw"])
        .current_dir(repository.folder())
        .stdin(Stdio::piped());
    let mut import = command.spawn().expect("git can be started");
    let mut to = std::io::BufWriter::new(import.stdin.take().expect("it is piped"));
    let mut write = || -> std::io::Result<()> {
        for tag in 0..=TAGS {
            write!(
                to,
                "commit refs/heads/main\ncommitter A <a@bench.test> {} +0000\ndata 0\n\n",
                1_700_000_000 + tag * 60
            )?;
            let mut file = |name: String, content: &[u8]| -> std::io::Result<()> {
                write!(to, "M 100644 inline {name}\ndata {}\n", content.len())?;
                to.write_all(content)?;
                to.write_all(b"\n")
            };
            if tag == 0 {
                file(
                    "go.mod".to_owned(),
                    format!("module {MODULE}\n\ngo 1.21\n").as_bytes(),
                )?;
            }
            let (texts, pictures) = match tag {
                0 => ((0..TEXTS).collect(), (0..PICTURES).collect()),
                _ => (
                    (0..TEXTS_CHANGED)
                        .map(|nth| (tag * 37 + nth * 61) % TEXTS)
                        .collect::<Vec<_>>(),
                    vec![tag % PICTURES],
                ),
            };
            for number in texts {
                let name = format!("p{}/f{number}.go", number % 20);
                file(name, text(number, tag).as_bytes())?;
            }
            for number in pictures {
                let content = incompressible(PICTURE, (tag * PICTURES + number) as u64);
                file(format!("static/picture{number}.bin"), &content)?;
            }
            write!(to, "\nreset refs/tags/v0.{tag}.0\nfrom refs/heads/main\n\n")?;
        }
        to.flush()
    };
    write().expect("git reads what it is given");
    drop(to);
    assert!(import.wait().expect("git ends").success());
}

/// A text that looks like source: words from a short list, and a line that says which version changed it.
fn text(number: usize, tag: usize) -> String {
    const WORDS: [&str; 24] = [
        "func",
        "return",
        "err",
        "if",
        "nil",
        "for",
        "range",
        "context",
        "string",
        "int",
        "type",
        "struct",
        "var",
        "map",
        "byte",
        "error",
        "defer",
        "interface",
        "package",
        "import",
        "switch",
        "case",
        "chan",
        "select",
    ];
    let mut text = format!("package p{}\n\n// Changed for {tag}.\n", number % 20);
    let mut state = number as u64 + 1;
    while text.len() < TEXT {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let word = WORDS[(state >> 33) as usize % WORDS.len()];
        let end = if (state >> 60) == 0 { '\n' } else { ' ' };
        write!(text, "{word}{:x}{end}", (state >> 40) & 0xff).expect("memory takes text");
    }
    text.push('\n');
    text
}
