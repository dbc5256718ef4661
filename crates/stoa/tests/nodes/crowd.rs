//! Three hundred clients, and the judgement of what they got.

use crate::world::VERSIONS;
use bytes::Bytes;
use std::{
    collections::HashMap,
    time::{Duration, Instant},
};
use testkit::{client::get, module::Module, proxy::FakeUpstream, stoa::StoaProcess};
use tokio::task::JoinSet;

const CLIENTS: usize = 300;

/// How long a client tries: it only ends what hangs.
const PATIENCE: Duration = Duration::from_secs(240);

/// What a client asks for: a file by its tag, or the `.info` that a branch leads to.
const ASKED: [&str; 4] = ["zip", "main", "mod", "info"];

/// Clients on their way.
pub(crate) struct Crowd(JoinSet<Got>);

/// What one client got in the end.
struct Got {
    version: usize,
    asked: &'static str,
    body: Bytes,
    /// How often a node was gone, or honestly in trouble.
    troubles: usize,
}

/// What all clients got, each file once.
#[derive(Debug)]
pub(crate) struct Haul {
    files: HashMap<(usize, &'static str), Bytes>,
    pub(crate) troubles: usize,
}

impl Crowd {
    /// Sends everybody off at the same time, spread over nodes and versions. Whoever meets a node that is gone or in
    /// trouble goes to the next.
    pub(crate) fn sent_to(nodes: &[StoaProcess], modules: &[Module]) -> Self {
        let nodes: Vec<String> = nodes.iter().map(StoaProcess::url).collect();
        let mut clients = JoinSet::new();
        for number in 0..CLIENTS {
            let (version, asked) = (number % VERSIONS, ASKED[number / VERSIONS % ASKED.len()]);
            let path = path_of(&modules[version], asked);
            let mut nodes = nodes.clone();
            nodes.rotate_left((number / VERSIONS + number) % 3);
            clients.spawn(async move {
                let (body, troubles) = insist(&nodes, &path).await;
                Got {
                    version,
                    asked,
                    body,
                    troubles,
                }
            });
        }
        Self(clients)
    }

    /// Waits for everybody. Panics if two got different bytes for one file, or anybody got a wrong answer.
    pub(crate) async fn come_home(mut self, modules: &[Module]) -> Haul {
        let mut haul = Haul {
            files: HashMap::new(),
            troubles: 0,
        };
        while let Some(got) = self.0.join_next().await {
            let got = got.unwrap();
            haul.troubles += got.troubles;
            haul.add(modules, got.version, got.asked, got.body);
        }
        haul
    }
}

impl Haul {
    fn add(&mut self, modules: &[Module], version: usize, asked: &'static str, body: Bytes) {
        let module = &modules[version];
        let kind = if asked == "main" { "info" } else { asked };
        match kind {
            "zip" => assert!(body == module.zip(), "other bytes as the zip of {}", module.path),
            "mod" => assert!(
                body == module.go_mod(),
                "other bytes as the .mod of {}",
                module.path
            ),
            _ => {
                let says = format!("\"Version\":\"{}\"", module.version);
                let text = String::from_utf8_lossy(&body);
                assert!(text.contains(&says) && text.ends_with('}'), "{text}");
            }
        }
        let held = self.files.entry((version, kind)).or_insert_with(|| body.clone());
        assert!(*held == body, "two answers for one {kind} of {}", module.path);
    }

    /// Asks every node for every file: all must say what all said before.
    pub(crate) async fn check_that_all_serve_it(mut self, nodes: &[StoaProcess], modules: &[Module]) {
        for node in nodes {
            for (version, module) in modules.iter().enumerate() {
                for asked in ["info", "mod", "zip"] {
                    let (body, _) = insist(&[node.url()], &path_of(module, asked)).await;
                    self.add(modules, version, asked, body);
                }
            }
        }
    }
}

/// How often the upstream was asked for a file that somebody had asked it for already.
pub(crate) fn duplicates(upstream: &FakeUpstream, modules: &[Module]) -> usize {
    let files = modules
        .iter()
        .flat_map(|module| ["info", "mod", "zip"].map(|kind| module.url_path(kind)));
    files.map(|path| upstream.count(&path).saturating_sub(1)).sum()
}

fn path_of(module: &Module, asked: &str) -> String {
    if asked == "main" {
        format!("/{}/@v/main.info", module.path)
    } else {
        module.url_path(asked)
    }
}

/// Asks these nodes in turn until one has the file. Trouble may be told as such; every other answer is wrong.
async fn insist(nodes: &[String], path: &str) -> (Bytes, usize) {
    let (began, mut troubles) = (Instant::now(), 0);
    for node in nodes.iter().cycle() {
        let trouble = match get(&format!("{node}{path}")).await {
            Ok(answer) if answer.status == 200 => return (answer.body, troubles),
            Ok(answer) if answer.status >= 500 => format!("{}: {}", answer.status, answer.text()),
            Ok(answer) => panic!("{} to {path}: {}", answer.status, answer.text()),
            Err(error) => error.to_string(),
        };
        troubles += 1;
        assert!(began.elapsed() < PATIENCE, "{path}: {trouble}");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    unreachable!("there are nodes")
}
