//! A gate that holds callers until a test opens it: order without sleeping.

use tokio::sync::watch;

/// Shut when made; once opened it stays open. Clones are the same gate.
#[derive(Clone, Debug)]
pub struct Gate(watch::Sender<bool>);

impl Gate {
    /// A shut gate.
    pub fn shut() -> Self {
        Self(watch::Sender::new(false))
    }

    /// Lets everybody through, now and later.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Waits until it is open.
    pub async fn pass(&self) {
        // The sender lives in `self`, so waiting ends only by an opened gate.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
