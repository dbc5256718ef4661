//! Texts to ask about: put together at random from what matters, the same ones in every run.

/// A source of numbers and texts; one seed gives one sequence.
pub(crate) struct Words(u64);

impl Words {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number below `limit` (splitmix64, which is short and good enough to choose test cases with).
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % limit as u64).unwrap()
    }

    pub(crate) fn pick<'w>(&mut self, words: &[&'w str]) -> &'w str {
        words[self.below(words.len())]
    }

    /// Up to `most` of the words, one behind the other.
    pub(crate) fn join(&mut self, words: &[&str], most: usize) -> String {
        (0..=self.below(most)).map(|_| self.pick(words)).collect()
    }

    /// One of the words three times out of four, else anything [`Words::join`] makes of the pieces.
    pub(crate) fn either(&mut self, whole: &[&str], pieces: &[&str]) -> String {
        if self.below(4) > 0 {
            self.pick(whole).to_owned()
        } else {
            self.join(pieces, 4)
        }
    }

    /// A module path, or nearly one.
    pub(crate) fn path(&mut self) -> String {
        let host = self.either(
            &[
                "github.com",
                "example.test",
                "gopkg.in",
                "a.b",
                "127.0.0.1",
                "x-y.z",
                "fmt",
                "Host.test",
                "golang.org",
            ],
            PATH_PIECES,
        );
        let middle: String = (0..self.below(4))
            .map(|_| format!("/{}", self.either(ELEMENTS, PATH_PIECES)))
            .collect();
        let end = if self.below(2) == 0 { "" } else { self.pick(ENDS) };
        host + &middle + end
    }

    /// A version, or nearly one.
    pub(crate) fn version(&mut self) -> String {
        match self.below(8) {
            0 => self.join(VERSION_PIECES, 8),
            1 => format!("v{}", self.join(VERSION_PIECES, 6)),
            2 | 3 => {
                let (core, before) = (
                    self.core(),
                    self.pick(&["", "0.", "rc.1.0.", "a.0.", "0", "1.", "-0.", "rc0."]),
                );
                let time = self.pick(&[
                    "20200102030405",
                    "20209902030405",
                    "2020010203040",
                    "00010101000000",
                    "20200229235959",
                ]);
                format!(
                    "{core}-{before}{time}-{}{}",
                    self.pick(&["abcdefabcdef", "0", "A1", "", "a-b", "a.b"]),
                    self.build()
                )
            }
            _ => {
                let pre = self.either(
                    &["", "-rc.1", "-0", "-alpha", "-1.2.3", "-RC"],
                    &["-", ".", "0", "01", "a", "Z", "_"],
                );
                format!("{}{pre}{}", self.core(), self.build())
            }
        }
    }

    fn core(&mut self) -> String {
        let number = |words: &mut Self| {
            words
                .pick(&["0", "1", "2", "3", "10", "99", "18446744073709551616", "02"])
                .to_owned()
        };
        let numbers: Vec<_> = (0..3).map(|_| number(self)).collect();
        match self.below(12) {
            0 => format!("v{}", numbers[0]),
            1 => format!("v{}.{}", numbers[0], numbers[1]),
            2 | 3 => format!("v{}.0.0", numbers[0]),
            _ => format!("v{}", numbers.join(".")),
        }
    }

    fn build(&mut self) -> &'static str {
        if self.below(3) > 0 {
            ""
        } else {
            self.pick(&["+incompatible", "+meta", "+0.01", "+", "+a..b", "+incompatible.1"])
        }
    }
}

const PATH_PIECES: &[&str] = &[
    "a", "B", "z", "0", "1", "v", "V", ".", "-", "_", "~", "~1", "+", "!", "@", "/", "//", " ", ":", "\\",
    "con", "CON", "com1", "lpt", "nul.x", "é", "日本", "\u{301}", "🎉", "\u{7f}", "\u{212a}", "(", ")", "[",
    "#", "$", "%", "&", "'", "\"", ",", ";", "=", "^", "`", "{", "|", "}", "*", "<", ">", "?", "\n", "\0",
];
const ELEMENTS: &[&str] = &[
    "m", "Azure", "no-Mod", "a..b", "x~y", "x~12", "aux", "aux.go", "com0", "conx", ".hidden", "x.", "v2",
    "v2.1", "é", "README", "a_b",
];
const ENDS: &[&str] = &[
    "/v0",
    "/v1",
    "/v2",
    "/v10",
    "/v02",
    "/v2.1",
    "/v",
    "/v.",
    ".v1",
    ".v0",
    ".v3",
    ".v01",
    ".v2-unstable",
    ".v-unstable",
    ".v0-unstable",
    "/",
    "/..",
    "-unstable",
    "/v2/",
    "v2",
];
const VERSION_PIECES: &[&str] = &[
    "v", "V", "0", "1", "2", "10", "01", ".", ".", "-", "+", "rc", "A", "latest", "main", "é", "!", "/", " ",
];
