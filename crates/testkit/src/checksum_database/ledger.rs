//! The records of a checksum database, and what an honest one answers about them.

use super::{Reply, Signer};
use crate::module::{Module, escaped};
use aws_lc_rs::digest::{Context, SHA256, digest};
use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A list of records; a clone is where a fork begins.
#[derive(Clone, Debug, Default)]
pub struct Ledger(Vec<String>);

impl Ledger {
    /// Adds a record, whatever it says.
    pub fn push(&mut self, record: impl Into<String>) {
        self.0.push(record.into());
    }

    /// Adds records of modules that nobody asks for, so that the tree has many tiles.
    pub fn fill(&mut self, count: usize) {
        for number in self.0.len()..self.0.len() + count {
            self.push(record_of(&Module::new(
                &format!("filler.example.test/m{number}"),
                "v1.0.0",
            )));
        }
    }

    /// Forgets the last records.
    pub fn truncate(&mut self, size: usize) {
        self.0.truncate(size);
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The records, to be forged.
    pub fn records(&mut self) -> &mut [String] {
        &mut self.0
    }

    /// The signed head of the first `size` records.
    pub fn head(&self, signer: &Signer, size: usize) -> String {
        let root = STANDARD.encode(tree_hash(&self.0[..size]));
        signer.sign(&format!("go.sum database tree\n{size}\n{root}\n"))
    }

    /// The answer to `supported`, `latest`, `lookup/…` or `tile/…`.
    pub fn answer(&self, signer: &Signer, path: &str) -> Reply {
        let body = match path.split_once('/') {
            None if path == "supported" => Some(Vec::new()),
            None if path == "latest" => Some(self.head(signer, self.len()).into_bytes()),
            Some(("lookup", name)) => self.lookup(signer, name),
            Some(("tile", tile)) => self.tile(tile),
            _ => None,
        };
        body.map_or_else(
            || (404, b"not found: no such record or tile\n".to_vec()),
            |body| (200, body),
        )
    }

    fn lookup(&self, signer: &Signer, name: &str) -> Option<Vec<u8>> {
        let of_module = |record: &&String| {
            let mut words = record.split(' ');
            let (path, version) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
            format!("{}@{}", escaped(path), escaped(version)) == name
        };
        let (id, record) = self.0.iter().enumerate().find(|(_, record)| of_module(record))?;
        Some(format!("{id}\n{record}\n{}", self.head(signer, self.len())).into_bytes())
    }

    /// `<height>/<level>/<index>`, perhaps with `.p/<width>`; only as wide as this ledger has it.
    fn tile(&self, path: &str) -> Option<Vec<u8>> {
        let (height, rest) = path.split_once('/')?;
        let (level, place) = rest.split_once('/')?;
        let height: u32 = height.parse().ok()?;
        let (place, width) = match place.split_once(".p/") {
            Some((place, width)) => (place, width.parse().ok()?),
            None => (place, 1usize << height),
        };
        let index: usize = place.replace(['x', '/'], "").parse().ok()?;
        let records = level == "data";
        let below = 1usize << (height * if records { 0 } else { level.parse().ok()? });
        let first = index * (1 << height);
        let hashes = (first..first + width).map(|entry| self.0.get(entry * below..(entry + 1) * below));
        let parts: Vec<_> = hashes.collect::<Option<_>>()?;
        Some(match records {
            true => parts
                .concat()
                .join("\n")
                .into_bytes()
                .into_iter()
                .chain(*b"\n")
                .collect(),
            false => parts.into_iter().flat_map(tree_hash).collect(),
        })
    }
}

/// The record of a module: its two lines of `go.sum`.
pub(crate) fn record_of(module: &Module) -> String {
    let prefix = format!("{}@{}/", module.path, module.version);
    let files = module
        .files
        .iter()
        .map(|(name, content)| (format!("{prefix}{name}"), &**content));
    let (path, version) = (&module.path, &module.version);
    let zip = h1(files.collect());
    let go_mod = h1(vec![("go.mod".to_owned(), &module.go_mod())]);
    format!("{path} {version} {zip}\n{path} {version}/go.mod {go_mod}\n")
}

/// Go's `h1:` sum of named contents.
fn h1(mut files: Vec<(String, &[u8])>) -> String {
    files.sort();
    let mut hash = Context::new(&SHA256);
    for (name, content) in files {
        let content = digest(&SHA256, content);
        let content = content
            .as_ref()
            .iter()
            .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
        hash.update(format!("{content}  {name}\n").as_bytes());
    }
    format!("h1:{}", STANDARD.encode(hash.finish()))
}

/// MTH of RFC 6962, section 2.1, word for word.
fn tree_hash(records: &[String]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    match records {
        [] => {}
        [record] => {
            hash.update(&[0]);
            hash.update(record.as_bytes());
        }
        _ => {
            let (left, right) = records.split_at(records.len().next_power_of_two() / 2);
            hash.update(&[1]);
            hash.update(&tree_hash(left));
            hash.update(&tree_hash(right));
        }
    }
    hash.finish().as_ref().try_into().expect("SHA-256 has 32 bytes")
}
