//! `.ziphash` objects: the sum beside a zip, which Go's module cache keeps there.
//!
//! They make the bucket the tree that Go knows, down to the sums it trusts; and a tree that was copied into it may know
//! sums of zips it does not have. Written after the zip: before it, a crash in between would leave a sum that refuses the
//! version for ever if the zip comes back with other bytes.

use crate::objects::{Objects, Put, State};
use object_store::path::Path;
use proxy_core::{file::Kind, store::StoreError, sums::H1, verify::Verified};

/// More than a sum and the white space around it.
const LONGEST: u64 = 1 << 10;

/// What is to be done about the sum beside a zip.
pub(crate) enum Ziphash {
    /// Nothing: it is no zip, or its sum is there.
    Leave,
    /// It is missing, or (in this state) is no sum; Go makes such a one anew as well.
    Write(Path, H1, Option<State>),
}

impl Objects {
    /// Refuses a zip whose sum is not the one kept beside its name.
    pub(crate) async fn check_ziphash(&self, file: &Verified) -> Result<Ziphash, StoreError> {
        let Some(offered) = file.h1().filter(|_| file.file().kind == Kind::Zip) else {
            return Ok(Ziphash::Leave);
        };
        let zip = file.file().tree_path();
        let path = self.path(&format!("{}hash", zip))?;
        match self.read_ziphash(&path).await? {
            None => Ok(Ziphash::Write(path, offered, None)),
            Some((None, state)) => Ok(Ziphash::Write(path, offered, Some(state))),
            Some((Some(kept), _)) if kept == offered => Ok(Ziphash::Leave),
            Some((Some(kept), _)) => Err(StoreError::SumDisagrees {
                file: file.file().clone(),
                kept,
                offered,
            }),
        }
    }

    /// The sum that lies here, and its state: no sum where it reads as none, `None` where there is nothing.
    pub(crate) async fn read_ziphash(&self, path: &Path) -> Result<Option<(Option<H1>, State)>, StoreError> {
        let Some((text, state)) = self.read(path, LONGEST).await? else {
            return Ok(None);
        };
        let sum = std::str::from_utf8(&text)
            .ok()
            .and_then(|text| text.trim().parse().ok());
        Ok(Some((sum, state)))
    }

    /// Writes the sum of a zip that is kept. The zip is in, whatever becomes of this, so a failure is only logged;
    /// the next insert of the same zip tries again.
    pub(crate) async fn keep_ziphash(&self, file: &Verified, ziphash: Ziphash) {
        let Ziphash::Write(path, sum, expected) = ziphash else {
            return;
        };
        let text = sum.to_string().into_bytes();
        match self
            .put(&path, text.into(), "text/plain; charset=utf-8", expected.as_ref())
            .await
        {
            // Somebody inserted the same zip at the same time.
            Ok(Put::Done(_) | Put::Changed(_)) => {}
            Err(error) => {
                tracing::warn!(file = %file.file(), %error, "the .ziphash of a kept zip could not be written");
            }
        }
    }
}
