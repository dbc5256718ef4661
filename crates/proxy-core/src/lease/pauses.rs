//! Pauses between two looks at something that somebody else will change: short at first, then longer, never in step.

use std::time::Duration;

/// The first pause, before it is shaken.
const FIRST: Duration = Duration::from_millis(200);
/// The longest, before it is shaken.
const LONGEST: Duration = Duration::from_secs(2);
/// How much longer each is than the one before, in hundredths.
const GROWTH: u32 = 150;
/// How much a pause may differ from its length, so that nodes which began together do not ask together.
const SHAKEN: f64 = 0.2;

/// A series of pauses. Waiting for ten seconds takes nine of them.
#[derive(Debug)]
pub(crate) struct Pauses(Duration);

impl Pauses {
    /// From the first on.
    pub(crate) fn new() -> Self {
        Self(FIRST)
    }

    /// The same without the short ones, for what is only worth a look when it takes long.
    pub(crate) fn patient() -> Self {
        Self(LONGEST / 2)
    }

    /// How long to pause now.
    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.0;
        self.0 = LONGEST.min(pause * GROWTH / 100);
        pause.mul_f64(rand::random_range(1.0 - SHAKEN..1.0 + SHAKEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_two_seconds_and_are_shaken() {
        let (mut pauses, mut others) = (Pauses::new(), Pauses::new());
        let series: Vec<_> = (0..20).map(|_| pauses.next()).collect();
        assert!(series[0] < Duration::from_millis(241));
        assert!(series.iter().all(|pause| *pause <= LONGEST.mul_f64(1.0 + SHAKEN)));
        assert!(
            series
                .last()
                .is_some_and(|last| *last >= LONGEST.mul_f64(1.0 - SHAKEN))
        );
        assert!(series.iter().any(|pause| *pause != others.next()));
        let waits = series.iter().scan(Duration::ZERO, |waited, pause| {
            *waited += *pause;
            Some(*waited)
        });
        assert!(
            waits
                .take_while(|waited| *waited < Duration::from_secs(10))
                .count()
                <= 12
        );
    }
}
