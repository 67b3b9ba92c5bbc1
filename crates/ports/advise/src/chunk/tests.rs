use proptest::prelude::*;

use super::*;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

#[test]
fn a_text_that_fits_is_one_piece_and_an_empty_one_is_none() {
    for text in ["a".to_owned(), "a".repeat(LIMIT), "\u{1f600}".repeat(LIMIT / 2)] {
        assert_eq!(cut(&text, 4), Pieces { pieces: vec![text.as_str()], unread: 0 });
    }
    assert_eq!(cut("", 4), Pieces { pieces: Vec::new(), unread: 0 });
    assert_eq!(cut(&"\u{1f600}".repeat(LIMIT / 2 + 1), 4).pieces.len(), 2);
}

#[test]
fn sentences_are_cut_at_their_ends() {
    let text = "This sentence has forty-nine letters and blanks. ".repeat(500);
    let cut = cut(&text, 4);
    assert_eq!(cut.pieces.len(), 3);
    for piece in &cut.pieces {
        assert!(piece.trim_start().starts_with("This") && piece.trim_end().ends_with("blanks."), "{piece}");
    }
}

#[test]
fn what_is_beyond_the_bound_is_counted_once() {
    let text = "\u{e4}".repeat(30_000);
    assert_eq!(cut(&text, 1).unread, 20_000);
    assert_eq!(cut(&text, 2).unread, 11_000);
    assert_eq!(cut(&text, 9).unread, 0);
    assert_eq!(cut(&text, 0), Pieces { pieces: Vec::new(), unread: 30_000 });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    // control: INJ-09: An attack that is laid across a cut stands whole in a piece, wherever it lies.
    #[test]
    fn no_window_as_long_as_the_overlap_is_cut(
        words in prop::collection::vec("[a-z\u{e4}\u{1f600}。.!]{1,12}|\\.|\n", 20..60),
        blank in prop::bool::ANY,
        repeat in 20_usize..80,
        at in 0.0_f64..1.0,
    ) {
        let text = words.join(if blank { " " } else { "" }).repeat(repeat);
        let Pieces { pieces, unread } = cut(&text, 1_000);
        prop_assert_eq!(unread, 0);
        prop_assert!(pieces.iter().all(|piece| units(piece) <= LIMIT));
        let indices: Vec<usize> = text.char_indices().map(|(index, _)| index).collect();
        let from = indices[(at * indices.len() as f64) as usize];
        let mut window = text.get(from..).unwrap();
        while units(window) > OVERLAP {
            let over = units(window) - OVERLAP;
            let keep = window.chars().count() - over.div_ceil(2);
            window = window.char_indices().nth(keep).map_or(window, |(end, _)| window.get(..end).unwrap());
        }
        prop_assert!(pieces.iter().any(|piece| piece.contains(window)));
    }

    /// Every character is read, and pieces that follow one another overlap by no more than is needed.
    #[test]
    fn pieces_cover_the_text(text in "[a-z\u{e4}\u{1f600}\n]{200,400}", repeat in 1_usize..200) {
        let text = text.repeat(repeat);
        let mut read = 0;
        for piece in cut(&text, 1_000).pieces {
            let at = piece.as_ptr().addr() - text.as_ptr().addr();
            prop_assert!(at <= read);
            prop_assert!(units(text.get(at..read).unwrap()) <= OVERLAP + SLACK + 2);
            read = at + piece.len();
        }
        prop_assert_eq!(read, text.len());
    }
}
