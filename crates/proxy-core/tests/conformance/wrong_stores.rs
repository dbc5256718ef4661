//! Stores that are wrong on purpose, each in one way that somebody once shipped, and the promise that finds it out.

mod on_disk;

use async_trait::async_trait;
use on_disk::{Mistake, OnDisk};
use proxy_core::store::{
    ModuleStore,
    conformance::{Place, broken_by},
};
use std::{path::PathBuf, sync::Arc};

/// A folder, and the mistake of the store in it.
struct Wrong {
    folder: tempfile::TempDir,
    mistake: Mistake,
}

#[async_trait]
impl Place for Wrong {
    async fn open(&self) -> Arc<dyn ModuleStore> {
        Arc::new(OnDisk::open(PathBuf::from(self.folder.path()), self.mistake))
    }
}

/// Whether a store with this mistake breaks this promise.
fn breaks(mistake: Mistake, promise: &str) -> bool {
    let fresh = async || Wrong {
        folder: tempfile::tempdir().unwrap(),
        mistake,
    };
    !broken_by(fresh, |name| name == promise).is_empty()
}

macro_rules! caught {
    ($($name:ident: $mistake:ident by $($promise:ident),+;)*) => {
        $(
            #[test]
            fn $name() {
                for promise in [$(stringify!($promise)),+] {
                    assert!(breaks(Mistake::$mistake, promise), "{promise} was not broken");
                }
            }
        )*

        /// So that it is the mistake that is caught, and not what the stores have in common.
        #[test]
        fn without_a_mistake_the_same_store_keeps_every_promise() {
            let asked = [$($(stringify!($promise)),+),*];
            for promise in asked {
                assert!(!breaks(Mistake::None, promise), "{promise} was broken");
            }
        }
    };
}

caught! {
    truncating_in_place: TruncatesInPlace
        by inserting_other_bytes_is_other_and_changes_nothing, racing_inserts_have_one_winner;
    looking_and_then_writing_in_place: LooksThenWrites
        by racing_inserts_have_one_winner, readers_see_all_of_a_file_or_none;
    looking_and_then_renaming: LooksThenRenames by racing_inserts_have_one_winner;
    overwriting_by_rename: OverwritesByRename
        by inserting_other_bytes_is_other_and_changes_nothing, inserting_the_same_bytes_again_is_same;
    naming_before_writing: NamesBeforeWriting
        by readers_see_all_of_a_file_or_none, an_abandoned_insert_leaves_the_file_whole_or_free;
    marking_what_was_written_before: MarksLast by an_abandoned_insert_leaves_the_file_whole_or_free;
    never_comparing: NeverCompares by inserting_other_bytes_is_other_and_changes_nothing;
    comparing_sizes_only: ComparesSizes by inserting_other_bytes_is_other_and_changes_nothing;
    lower_casing_paths: LowerCasesPaths by paths_that_differ_in_case_stay_apart;
    replacing_odd_letters: ReplacesOddLetters by every_legal_name_is_kept_as_it_is;
    listing_by_prefix: ListsByPrefix by versions_are_those_of_the_exact_path;
    listing_every_kind_of_file: ListsEveryKind by versions_are_those_of_the_exact_path;
    remembering_absence: RemembersAbsence by what_one_handle_inserts_the_other_opens;
    forgetting_at_the_end: Forgets by a_reopened_store_has_everything;
    ignoring_the_part: IgnoresParts by every_part_is_the_part_asked_for;
    dropping_the_last_piece: DropsTheLastPiece by files_of_every_size_read_back;
    a_new_validator_each_time: NewValidators by a_file_has_one_validator;
    failing_on_what_was_never_inserted: FailsOnAbsence by a_file_never_inserted_is_none;
    needing_the_go_mod_first: WantsAllThree by a_file_is_kept_on_its_own;
}

/// Apart, since it costs a zip of 300 MiB.
#[test]
fn buffering_whole_zips() {
    assert!(breaks(
        Mistake::BuffersZips,
        "a_large_zip_streams_in_bounded_memory"
    ));
}
