//! The programs that tests and benchmarks run, and the packages they come in.

use crate::install::Program;

/// Serves the repositories of tests, and fetches them.
pub(crate) const GIT: Program = Program {
    name: "git",
    probe: &["--version"],
    package: "git",
    purpose: "tests of version control",
};

/// The real client.
pub(crate) const GO: Program = Program {
    name: "go",
    probe: &["version"],
    package: "golang-go",
    purpose: "end-to-end tests",
};

/// Makes the certificates of test servers.
pub(crate) const OPENSSL: Program = Program {
    name: "openssl",
    probe: &["version"],
    package: "openssl",
    purpose: "certificates of test servers",
};

/// Pools connections in front of Postgres.
pub(crate) const PGBOUNCER: Program = Program {
    name: "pgbouncer",
    probe: &["--version"],
    package: "pgbouncer",
    purpose: "tests of the Postgres store behind a pooler",
};

/// Drives the browser that looks at the first page; its package brings the browser.
pub(crate) const CHROMEDRIVER: Program = Program {
    name: "chromedriver",
    probe: &["--version"],
    package: "chromium-driver",
    purpose: "the first page in a browser",
};

/// Asks a server what the book asks it.
pub(crate) const CURL: Program = Program {
    name: "curl",
    probe: &["--version"],
    package: "curl",
    purpose: "the commands of the book",
};

/// Serves the repositories of tests over ssh.
pub(crate) const SSHD: Program = Program {
    name: "/usr/sbin/sshd",
    probe: &["-V"],
    package: "openssh-server",
    purpose: "tests of version control over ssh",
};

/// Fetches from hosts by ssh, for git.
pub(crate) const SSH: Program = Program {
    name: "ssh",
    probe: &["-V"],
    package: "openssh-client",
    purpose: "tests of version control over ssh",
};

/// Mercurial, both ends of it.
pub(crate) const HG: Program = Program {
    name: "hg",
    probe: &["--version", "--quiet"],
    package: "mercurial",
    purpose: "tests of other version control",
};

/// Subversion, both ends of it.
pub(crate) const SVN: Program = Program {
    name: "svn",
    probe: &["--version", "--quiet"],
    package: "subversion",
    purpose: "tests of other version control",
};

/// Fossil, both ends of it.
pub(crate) const FOSSIL: Program = Program {
    name: "fossil",
    probe: &["version"],
    package: "fossil",
    purpose: "tests of other version control",
};

/// Bazaar by the name that the go command knows it by, which is Breezy.
pub(crate) const BZR: Program = Program {
    name: "bzr",
    probe: &["--version"],
    package: "bzr",
    purpose: "tests of other version control",
};

/// What the mirror is measured against, and the front server of the book.
pub(crate) const NGINX: Program = Program {
    name: "nginx",
    probe: &["-v"],
    package: "nginx-light",
    purpose: "the benchmark's other side, and the book's front server",
};

/// What makes the load.
pub(crate) const WRK: Program = Program {
    name: "wrk",
    probe: &["-v"],
    package: "wrk",
    purpose: "the benchmark's load",
};

/// Some servers of tests come as its packages.
pub(crate) const PYTHON: Program = Program {
    name: "python3",
    probe: &["-m", "venv", "--help"],
    package: "python3-venv",
    purpose: "servers that tests need",
};

/// Others come as its packages.
pub(crate) const NPM: Program = Program {
    name: "npm",
    probe: &["--version"],
    package: "npm",
    purpose: "servers that tests need",
};

/// Sets the clock of a node wrong.
pub(crate) const FAKETIME: Program = Program {
    name: "faketime",
    probe: &["--version"],
    package: "faketime",
    purpose: "nodes whose clocks are wrong",
};
