//! Module files made to order, and checked like any other: the suite has no way around the verifier either.

use crate::{
    checksums::NoDatabase,
    file::{Body, Kind, ModuleFile},
    module::{ModulePath, ModuleVersion, Version},
    spool::Spool,
    store::{Inserted, MemoryStore, ModuleStore},
    verify::{Unverified, Verified},
    zip,
};
use std::io::{Read, Write};

/// Makes verified files. Those made with different salts differ in their bytes and in nothing else, size included.
#[derive(Debug)]
pub struct Samples {
    spool: Spool,
    /// Dropped after the spool in it.
    _folder: Option<tempfile::TempDir>,
}

impl Default for Samples {
    fn default() -> Self {
        Self::new()
    }
}

impl Samples {
    /// Spools in the system's folder for temporary files.
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("the folder for temporary files can be written");
        let spool = Spool::open(folder.path()).expect("the folder for temporary files can be written");
        Self {
            spool,
            _folder: Some(folder),
        }
    }

    /// Spools in here, such as in a store's own folder.
    pub fn spooled_in(spool: Spool) -> Self {
        Self { spool, _folder: None }
    }

    /// Names a version.
    pub fn module(path: &str, version: &str) -> ModuleVersion {
        let path = ModulePath::parse(path).expect("a sample's path is valid");
        let version = Version::parse(version).expect("a sample's version is canonical");
        ModuleVersion::new(path, version).expect("a sample's version fits its path")
    }

    /// An `.info`.
    pub async fn info(&self, module: &ModuleVersion, salt: u32) -> Verified {
        let (minutes, seconds) = (salt / 60 % 60, salt % 60);
        let text = format!(
            r#"{{"Version":"{}","Time":"2026-01-01T00:{minutes:02}:{seconds:02}Z"}}"#,
            module.version()
        );
        self.verify(module, Kind::Info, text.as_bytes()).await
    }

    /// A `.mod` of so many bytes, or of the few it takes if that is more. Up to 64 KiB it is held in memory, above in
    /// a spool file.
    pub async fn go_mod(&self, module: &ModuleVersion, salt: u32, size: usize) -> Verified {
        self.verify(module, Kind::Mod, go_mod_text(module, salt, size).as_bytes())
            .await
    }

    /// A `.zip` of a little more than so many bytes, which no compression makes smaller. Its `.mod` is the one that
    /// [`go_mod`](Self::go_mod) makes of salt 0 and size 0.
    pub async fn zip(&self, module: &ModuleVersion, salt: u32, size: u64) -> Verified {
        let (named, mut writer) = (module.clone(), self.spool.writer());
        let written = tokio::task::spawn_blocking(move || {
            let mut zip = zip::Writer::new(&named, &mut writer);
            zip.add("data.bin", Noise::new(salt).take(size))?;
            zip.add("go.mod", go_mod_text(&named, 0, 0).as_bytes())?;
            zip.finish()?;
            writer.seal().map_err(std::io::Error::other)
        });
        let body = written.await.expect("writing a sample does not panic");
        let body = body.expect("the folder for temporary files can be written");
        let store = MemoryStore::new();
        let go_mod = self.go_mod(module, 0, 0).await;
        assert_eq!(
            store.insert(go_mod).await.expect("memory is there"),
            Inserted::New
        );
        self.verify_body(module, Kind::Zip, body, &store).await
    }

    /// One of the three, of moderate size.
    pub async fn of_kind(&self, module: &ModuleVersion, kind: Kind, salt: u32) -> Verified {
        match kind {
            Kind::Info => self.info(module, salt).await,
            Kind::Mod => self.go_mod(module, salt, 0).await,
            Kind::Zip => self.zip(module, salt, 1 << 10).await,
        }
    }

    async fn verify(&self, module: &ModuleVersion, kind: Kind, bytes: &[u8]) -> Verified {
        let mut writer = self.spool.writer();
        writer
            .write_all(bytes)
            .expect("the folder for temporary files can be written");
        let body = writer
            .seal()
            .expect("the folder for temporary files can be written");
        self.verify_body(module, kind, body, &MemoryStore::new()).await
    }

    /// Checks a body against what `store` holds. No record is shared, so other bytes of one name pass as well.
    async fn verify_body(
        &self,
        module: &ModuleVersion,
        kind: Kind,
        body: Body,
        store: &MemoryStore,
    ) -> Verified {
        let file = ModuleFile::new(module.clone(), kind);
        let verified = Unverified::new(file, body)
            .verify(store, &MemoryStore::new(), &NoDatabase)
            .await;
        verified.expect("a sample passes its checks")
    }
}

/// A `go.mod` of so many bytes, or of the few it takes if that is more: padded with comments, then empty lines.
fn go_mod_text(module: &ModuleVersion, salt: u32, size: usize) -> String {
    let mut text = format!("module {}\n\n// {salt:08}\n", module.path());
    let missing = size.saturating_sub(text.len());
    text.push_str(&format!("{}\n", "/".repeat(99)).repeat(missing / 100));
    text.push_str(&"\n".repeat(missing % 100));
    text
}

/// Bytes without a pattern that a module zip's compression could find, the same for the same salt.
struct Noise {
    block: Vec<u8>,
    at: usize,
}

impl Noise {
    /// Repeated in full, and still nothing to compress: deflate looks back for 32 KiB.
    const BLOCK: usize = 256 << 10;

    /// Marsaglia's xorshift.
    fn new(salt: u32) -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15 ^ (u64::from(salt) << 17);
        let mut block = Vec::with_capacity(Self::BLOCK);
        while block.len() < Self::BLOCK {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            block.extend_from_slice(&state.to_le_bytes());
        }
        Self { block, at: 0 }
    }
}

impl Read for Noise {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let mut rest = &self.block[self.at..];
        let count = rest.read(buffer)?;
        self.at = (self.at + count) % Self::BLOCK;
        Ok(count)
    }
}
