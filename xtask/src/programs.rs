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

/// What the mirror is measured against.
pub(crate) const NGINX: Program = Program {
    name: "nginx",
    probe: &["-v"],
    package: "nginx-light",
    purpose: "the benchmark's other side",
};

/// What makes the load.
pub(crate) const WRK: Program = Program {
    name: "wrk",
    probe: &["-v"],
    package: "wrk",
    purpose: "the benchmark's load",
};
