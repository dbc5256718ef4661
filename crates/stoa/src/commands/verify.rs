//! `stoa verify`: every stored file is read and held against its record, the rules of its kind, the other files of its
//! version, and the checksum database. Changes nothing, unless it is told to repair.

mod look_only;

use super::print;
use crate::{
    config::{Config, environment::Environment, storage_url::StorageUrl},
    exit::Failure,
    open_store::{Storage, open_otherwise, open_store, open_to_read},
    wiring,
};
use futures::{StreamExt, stream};
use indicatif::{ProgressBar, ProgressStyle};
use look_only::LookOnly;
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumError},
    file::ModuleFile,
    module::ModuleVersion,
    records::RecordStore,
    scrub::{Compared, Depth, Fault, Inspected, Inspector, Repair, compare},
    store::StoreError,
};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// Files of one page of the catalog.
const PAGE: usize = 500;

/// Files read at one time.
const AT_ONCE: usize = 8;

/// A database that was silent so often in a row is away: each further question would wait as long for no answer.
const SILENT: u32 = 3;

/// Says what is wrong with the store, in a line each, and how much was read.
pub(crate) fn run(config: &Config, environment: &Environment, repair: bool) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Internal(format!("no threads can be started: {error}")))?;
    runtime.block_on(async {
        // A store that is not there is no store without faults.
        if let StorageUrl::File(folder) = &config.storage
            && !folder.is_dir()
        {
            let reason = format!("storage.url: {}: there is no such folder", folder.display());
            return Err(Failure::Unavailable(reason));
        }
        // Who only looks writes nothing, and makes no schema, which would be one without faults.
        let storage = match repair {
            false => open_to_read(&config.storage, "storage.url", config).await?,
            true => open_store(config).await?,
        };
        let mut verification = Verification::new(config, environment, storage, repair)?;
        verification.walk().await?;
        verification.summarise()?;
        tell_what_lies_beside(config).await?;
        verification.conclude()
    })
}

/// Says that files of another program were not looked at. The store cannot serve them, so they are no part of it; but who
/// verifies what Athens kept must not believe that it was.
async fn tell_what_lies_beside(config: &Config) -> Result<(), Failure> {
    let beside = open_otherwise(&config.storage, "storage.url", config)
        .await?
        .files;
    let Some(first) = beside.first() else {
        return Ok(());
    };
    print(&format!(
        "not looked at: {} files that another program named, such as {first}; `stoa copy` takes them over\n",
        beside.len()
    ))
}

/// One walk through a store.
struct Verification {
    storage: Storage,
    inspector: Inspector,
    repair: Option<Repair>,
    authority: Option<Arc<dyn ChecksumAuthority>>,
    /// How often in a row the database gave no answer.
    silent: u32,
    bar: ProgressBar,
    counts: Counts,
    /// The version whose record was complained of last: it has three files.
    last_record: Option<ModuleVersion>,
}

#[derive(Default)]
struct Counts {
    files: u64,
    bytes: u64,
    proven: u64,
    unknown: u64,
    /// The database could not be asked.
    unasked: u64,
    /// What it answered proves nothing, or that it contradicts itself.
    unproven: u64,
    unread: u64,
    faults: BTreeMap<&'static str, u64>,
    mended: u64,
}

impl Verification {
    fn new(
        config: &Config,
        environment: &Environment,
        storage: Storage,
        repair: bool,
    ) -> Result<Self, Failure> {
        let cannot = |what: &str| Failure::Usage(format!("storage.url: this kind of store cannot {what}"));
        let records: Arc<dyn RecordStore> = match repair {
            true => Arc::clone(&storage.records),
            // What the database proves is kept in memory then: not even a record is added.
            false => Arc::new(LookOnly::before(Arc::clone(&storage.records))),
        };
        let repair = match (repair, &storage.quarantine) {
            (false, _) => None,
            (true, None) => return Err(cannot("set files aside")),
            (true, Some(quarantine)) => Some(Repair {
                store: Arc::clone(&storage.modules),
                records: Arc::clone(&records),
                quarantine: Arc::clone(quarantine),
            }),
        };
        if storage.catalog.is_none() {
            return Err(cannot("be listed"));
        }
        let style = ProgressStyle::with_template("{spinner} {msg}  {elapsed}");
        let style = style.map_err(|error| Failure::Internal(error.to_string()))?;
        Ok(Self {
            inspector: Inspector {
                store: Arc::clone(&storage.modules),
                records: Arc::clone(&records),
                spool: storage.spool.clone(),
                quarantine: storage.quarantine.clone(),
                depth: Depth::Whole,
            },
            authority: wiring::authority(config, environment, &records)?,
            storage,
            repair,
            silent: 0,
            // On standard error, and only if that is a terminal.
            bar: ProgressBar::new_spinner().with_style(style),
            counts: Counts::default(),
            last_record: None,
        })
    }

    async fn walk(&mut self) -> Result<(), Failure> {
        let away = |error: StoreError| Failure::Unavailable(format!("storage.url: {error}"));
        let Some(catalog) = self.storage.catalog.clone() else {
            return Ok(());
        };
        self.bar.enable_steady_tick(Duration::from_millis(100));
        let mut after: Option<ModuleFile> = None;
        loop {
            let page = catalog.files(after.as_ref(), PAGE).await.map_err(away)?;
            let Some(last) = page.last().cloned() else { break };
            let inspector = self.inspector.clone();
            let inspections = stream::iter(page).map(|file| {
                let inspector = inspector.clone();
                async move {
                    let inspected = inspector.inspect(&file).await;
                    (file, inspected)
                }
            });
            let mut inspections = inspections.buffered(AT_ONCE);
            while let Some((file, inspected)) = inspections.next().await {
                match inspected {
                    Ok(Some(inspected)) => self.judge(&file, inspected).await?,
                    Ok(None) => {}
                    Err(error) => {
                        self.counts.unread += 1;
                        self.say(&format!("unread: {file}: {error}"))?;
                    }
                }
                self.bar.set_message(self.counts.so_far());
            }
            after = Some(last);
        }
        self.bar.finish_and_clear();
        Ok(())
    }

    async fn judge(&mut self, file: &ModuleFile, inspected: Inspected) -> Result<(), Failure> {
        self.counts.files += 1;
        self.counts.bytes += inspected.bytes;
        let mut inspected = inspected;
        let record_is_damaged = inspected
            .faults
            .iter()
            .any(|fault| matches!(fault, Fault::Record { .. }));
        if record_is_damaged {
            self.report(&inspected.faults).await?;
            if self.repair.is_none() {
                return Ok(());
            }
            // Its record is out of the way now: the file is judged by the rules alone, and recorded anew.
            match self.inspector.inspect(file).await {
                Ok(Some(again)) => inspected = again,
                Ok(None) => return Ok(()),
                Err(error) => return Err(Failure::Unavailable(format!("storage.url: {error}"))),
            }
        }
        if inspected.faults.is_empty() {
            self.compare(file, &mut inspected).await?;
        }
        self.report(&inspected.faults).await?;
        if inspected.faults.is_empty()
            && let Some(repair) = &self.repair
        {
            let settled = repair.settle(file, &inspected).await;
            settled.map_err(|error| Failure::Unavailable(format!("storage.url: {error}")))?;
        }
        Ok(())
    }

    /// Holds a sound file against the checksum database.
    async fn compare(&mut self, file: &ModuleFile, inspected: &mut Inspected) -> Result<(), Failure> {
        let Some(authority) = self.authority.clone() else {
            return Ok(());
        };
        if self.silent >= SILENT {
            let asks = inspected.h1.is_some() && authority.speaks_for(file.module.path());
            self.counts.unasked += u64::from(asks);
            return Ok(());
        }
        let compared = compare(&*authority, file, inspected.h1).await;
        match &compared {
            Compared::Silent => {}
            Compared::Failed(ChecksumError::Unavailable { .. }) => self.silent += 1,
            _ => self.silent = 0,
        }
        match compared {
            Compared::Silent => {}
            Compared::Agrees => self.counts.proven += 1,
            Compared::Unknown => self.counts.unknown += 1,
            Compared::Contradicts(contradiction, sums) => inspected.faults.push(Fault::Contradicted {
                module: file.module.clone(),
                contradiction,
                sums,
            }),
            Compared::Failed(error @ ChecksumError::Unavailable { .. }) => {
                self.counts.unasked += 1;
                let rest = match self.silent {
                    SILENT.. => "; nothing more is held against it",
                    _ => "",
                };
                self.say(&format!("not held against it: {file}: {error}{rest}"))?;
            }
            Compared::Failed(error) => {
                self.counts.unproven += 1;
                self.say(&format!("unproven: {file}: {error}"))?;
            }
        }
        Ok(())
    }

    async fn report(&mut self, faults: &[Fault]) -> Result<(), Failure> {
        for fault in faults {
            if let Fault::Record { module, .. } = fault
                && self.last_record.replace(module.clone()).as_ref() == Some(module)
            {
                continue;
            }
            *self.counts.faults.entry(fault.word()).or_default() += 1;
            let Some(repair) = &self.repair else {
                self.say(&fault.to_string())?;
                continue;
            };
            match repair.mend(fault).await {
                Ok(()) => {
                    self.counts.mended += 1;
                    let done = match fault {
                        Fault::Torn { .. } => "it is a miss now",
                        Fault::SumBeside { .. } => "written anew",
                        Fault::Damaged(_) | Fault::Record { .. } | Fault::Contradicted { .. } => "set aside",
                    };
                    self.say(&format!("{fault} ({done})"))?;
                }
                Err(error) => self.say(&format!("{fault} (not mended: {error})"))?,
            }
        }
        Ok(())
    }

    fn say(&self, line: &str) -> Result<(), Failure> {
        self.bar.suspend(|| print(&format!("{line}\n")))
    }

    /// What was read, in a line.
    fn summarise(&self) -> Result<(), Failure> {
        let counts = &self.counts;
        let mut line = format!("{} files, {} read", counts.files, Bytes(counts.bytes));
        for (number, what) in [
            (counts.proven, "held against the checksum database"),
            (counts.unknown, "unknown to the checksum database"),
            (counts.unproven, "not proven by the checksum database"),
            (counts.unasked, "not held against the checksum database"),
            (counts.unread, "could not be read"),
        ] {
            if number > 0 {
                line.push_str(&format!(", {number} {what}"));
            }
        }
        for (word, number) in &counts.faults {
            line.push_str(&format!(", {number} {word}"));
        }
        if counts.found() + counts.unproven + counts.unasked + counts.unread == 0 {
            line.push_str(", nothing wrong");
        }
        print(&(line + "\n"))
    }

    /// What was found comes before what could not be looked at: it is there however the rest turns out.
    fn conclude(&self) -> Result<(), Failure> {
        let counts = &self.counts;
        let mut found = Vec::new();
        match (counts.found(), counts.mended) {
            (0, _) => {}
            (faults, 0) => found.push(format!("{faults} faults were found")),
            (faults, mended) => found.push(format!(
                "{faults} faults were found, {mended} of them mended: what was set aside is fetched again when it is asked for"
            )),
        }
        if counts.unproven > 0 {
            let unproven = counts.unproven;
            found.push(format!(
                "{unproven} files could not be proven by the checksum database"
            ));
        }
        if !found.is_empty() {
            return Err(Failure::Found(found.join("; ")));
        }
        if counts.unread > 0 {
            let reason = format!("storage.url: {} files could not be read", counts.unread);
            return Err(Failure::Unavailable(reason));
        }
        if counts.unasked > 0 {
            let unasked = counts.unasked;
            let reason = format!("{unasked} files could not be held against the checksum database");
            return Err(Failure::Unavailable(format!("checksums.database: {reason}")));
        }
        Ok(())
    }
}

impl Counts {
    fn found(&self) -> u64 {
        self.faults.values().sum()
    }

    fn so_far(&self) -> String {
        let found = self.found();
        format!("{} files, {}, {found} faults", self.files, Bytes(self.bytes))
    }
}

/// A number of bytes, for people.
struct Bytes(u64);

impl std::fmt::Display for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            bytes @ 0..1024 => write!(f, "{bytes} bytes"),
            bytes @ 1024..1_048_576 => write!(f, "{:.1} KiB", bytes as f64 / 1024.0),
            bytes @ 1_048_576..1_073_741_824 => write!(f, "{:.1} MiB", bytes as f64 / 1_048_576.0),
            bytes => write!(f, "{:.1} GiB", bytes as f64 / 1_073_741_824.0),
        }
    }
}
