//! Texts that are cut for a service: each piece fits, together they are the text, and what is as long as the overlap stands
//! whole in one of them, wherever it lies.

use doorward_advise::cut;

pub(crate) fn run(data: &[u8]) {
    // What is fuzzed is short; what is cut is long.
    let seed = String::from_utf8_lossy(data.get(..2_000).unwrap_or(data));
    if seed.is_empty() {
        return assert!(cut(&seed, 3).pieces.is_empty());
    }
    let text = seed.repeat(25_000_usize.div_ceil(seed.len()));
    let units = |text: &str| text.encode_utf16().count();
    let whole = cut(&text, usize::MAX);
    assert_eq!(whole.unread, 0);
    let (mut read, mut ends) = (0, Vec::new());
    for piece in &whole.pieces {
        assert!(units(piece) <= 10_000);
        let at = piece.as_ptr() as usize - text.as_ptr() as usize;
        assert!(at <= read && (at > 0 || read == 0));
        if read > 0 {
            assert!(units(&text[at..read]) >= 1_000, "it reaches back");
        }
        read = at + piece.len();
        ends.push(read);
    }
    assert_eq!(read, text.len());
    for most in 0..whole.pieces.len() {
        let part = cut(&text, most);
        assert_eq!(part.pieces, whole.pieces[..most]);
        let read = most.checked_sub(1).map_or(0, |last| ends[last]);
        assert_eq!(part.unread, text[read..].chars().count());
    }
}
