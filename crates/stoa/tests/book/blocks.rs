//! The fenced blocks of a page, and what each says of itself.

/// Languages of what people paste: commands and configurations.
const PASTED: &[&str] = &[
    "",
    "bash",
    "caddy",
    "caddyfile",
    "conf",
    "console",
    "dockerfile",
    "env",
    "hcl",
    "ini",
    "json",
    "nginx",
    "sh",
    "shell",
    "toml",
    "yaml",
    "yml",
];

/// The shortest reason that can be one.
const SHORTEST_REASON: usize = 12;

/// A fenced block.
#[derive(Clone, Debug)]
pub(crate) struct Block<'a> {
    /// The line of its opening marks, counted from 1.
    pub(crate) line: usize,
    /// What stands behind them.
    info: &'a str,
    /// What is in it.
    pub(crate) text: String,
}

/// How a block is tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trial {
    /// As commands and what they print.
    Run {
        /// Whether the last of them fails.
        fails: bool,
    },
    /// As `stoa.toml`.
    Settings,
    /// As a file of credentials.
    Credentials,
    /// As JSON.
    Json,
    /// As a configuration of git.
    Git,
    /// As a server of nginx in front of two nodes.
    Front,
    /// Not at all: it is nothing to paste, or says why.
    None,
}

impl Block<'_> {
    /// How this block is tried, or what is wrong with what it says.
    pub(crate) fn trial(&self) -> Result<Trial, String> {
        let (words, reason) = match self.info.split_once("why=\"") {
            Some((words, rest)) => (words, Some(rest.split('"').next().unwrap_or_default())),
            None => (self.info, None),
        };
        let mut words = words.split_whitespace();
        let language = words.next().unwrap_or_default();
        let marks: Vec<&str> = words.filter(|word| !word.starts_with("file=")).collect();
        let trial = match (language, marks.as_slice()) {
            ("console", ["run"]) => Trial::Run { fails: false },
            ("console", ["run", "fails"]) => Trial::Run { fails: true },
            ("toml", ["check"]) => Trial::Settings,
            ("toml", ["credentials"]) => Trial::Credentials,
            ("json", ["check"]) => Trial::Json,
            ("ini", ["git"]) => Trial::Git,
            ("nginx", ["front"]) => Trial::Front,
            (_, []) => Trial::None,
            (_, marks) => {
                return Err(format!(
                    "nobody knows how to try a block of {language:?} as {:?}",
                    marks.join(" ")
                ));
            }
        };
        match reason {
            Some(_) if trial != Trial::None => {
                Err("a block that is tried gives no reason why it is not".to_owned())
            }
            Some(reason) if reason.len() < SHORTEST_REASON => {
                Err(format!("{reason:?} is no reason why it cannot be tried"))
            }
            None if trial == Trial::None && PASTED.contains(&language) => Err(format!(
                "a block of {language:?} is neither tried nor says why it cannot be (why=\"…\")"
            )),
            _ => Ok(trial),
        }
    }

    /// The file that it is written to.
    pub(crate) fn file(&self) -> Option<&str> {
        let words = self.info.split("why=").next().unwrap_or_default();
        words
            .split_whitespace()
            .find_map(|word| word.strip_prefix("file="))
    }
}

/// All fenced blocks of a page.
pub(crate) fn blocks(page: &str) -> Vec<Block<'_>> {
    let mut found = Vec::new();
    let mut open: Option<(Block<'_>, &str, usize)> = None;
    for (line, number) in page.lines().zip(1..) {
        let trimmed = line.trim_start();
        let marks = trimmed.len() - trimmed.trim_start_matches('`').len();
        match &mut open {
            None if marks >= 3 => {
                let (fence, info) = trimmed.split_at(marks);
                let block = Block {
                    line: number,
                    info: info.trim(),
                    text: String::new(),
                };
                open = Some((block, fence, line.len() - trimmed.len()));
            }
            None => {}
            Some((_, fence, _)) if trimmed.trim_end() == *fence => {
                found.extend(open.take().map(|(block, ..)| block));
            }
            Some((block, _, indent)) => {
                let cut = line.len() - line.trim_start().len();
                block.text.push_str(&line[cut.min(*indent)..]);
                block.text.push('\n');
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_and_say_what_they_are() {
        let page = "\
A page.

```console run
$ true
```

- in a list:

  ```toml check file=stoa.toml
  listen = \":3000\"
  ```

````text
```console
````
";
        let found = blocks(page);
        let seen: Vec<_> = found
            .iter()
            .map(|block| (block.line, block.trial(), block.file(), block.text.as_str()))
            .collect();
        assert_eq!(
            seen,
            [
                (3, Ok(Trial::Run { fails: false }), None, "$ true\n"),
                (9, Ok(Trial::Settings), Some("stoa.toml"), "listen = \":3000\"\n"),
                (13, Ok(Trial::None), None, "```console\n"),
            ]
        );
    }

    #[test]
    fn what_is_pasted_is_tried_or_says_why_not() {
        for (info, fine) in [
            ("console run", true),
            ("console run fails", true),
            ("toml check", true),
            ("json check", true),
            ("ini git", true),
            ("nginx front", true),
            ("sh why=\"needs a cluster of Kubernetes\"", true),
            ("yaml file=a.yaml why=\"needs a cluster\"", true),
            ("text", true),
            ("rust", true),
            ("sh", false),
            ("", false),
            ("console", false),
            ("toml", false),
            ("yaml why=\"\"", false),
            ("console run why=\"it is not run at all\"", false),
            ("console runs", false),
            ("yaml check", false),
        ] {
            let page = format!("```{info}\n```\n");
            let trial = blocks(&page)[0].trial();
            assert_eq!(trial.is_ok(), fine, "{info}: {trial:?}");
        }
    }
}
