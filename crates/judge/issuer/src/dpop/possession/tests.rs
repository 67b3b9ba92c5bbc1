//! Proofs that are used twice, under other nonces, by other keys, and around a clock that jumps.

use super::*;
use crate::jws::sha256;
use crate::testing::{NOW, Signer, TOKEN_ENDPOINT, after};

const TOKEN: &str = "token";

fn proof(signer: &Signer, nonce: &str, jti: &str, now: Timestamp) -> String {
    let header = format!(r#"{{"typ":"dpop+jwt","alg":"ES256","jwk":{}}}"#, signer.jwk(""));
    let (iat, ath) = (now.as_secs(), sha256(TOKEN));
    let claims = format!(
        r#"{{"jti":"{jti}","htm":"POST","htu":"{TOKEN_ENDPOINT}","iat":{iat},"nonce":"{nonce}","ath":"{ath}"}}"#
    );
    signer.sign(&header, &claims)
}

fn first() -> Asked<'static> {
    Asked { method: "POST", htu: TOKEN_ENDPOINT, token: None }
}

// control: D-17, TOK-05: a proof is good once, and only under a nonce of this door
#[test]
fn a_proof_is_good_once() {
    let (door, other, signer) = (Possession::new(&[1; 32]), Possession::new(&[2; 32]), Signer::p256());
    let nonce = door.nonce(NOW);
    let made = proof(&signer, &nonce, "j", NOW);
    let jkt = door.prove(&made, &first(), NOW).unwrap();
    assert_eq!(jkt.len(), 43);
    assert_eq!(door.prove(&made, &first(), NOW), Err(DpopError::Replayed));
    // Another name is another proof; the same name of another key is, too: nobody uses up another's.
    assert_eq!(door.prove(&proof(&signer, &nonce, "k", NOW), &first(), NOW), Ok(jkt));
    let stranger = Signer::p256();
    assert!(door.prove(&proof(&stranger, &nonce, "j", NOW), &first(), NOW).is_ok());
    // A process that begins anew knows no proofs, so it takes none of before.
    assert_eq!(other.prove(&made, &first(), NOW), Err(DpopError::Nonce));
    for forged in ["", "AAAAAAAAAAIAAAAAAAAAAAAAAAAAAAAA", nonce.get(..31).unwrap()] {
        assert_eq!(door.prove(&proof(&signer, forged, "l", NOW), &first(), NOW), Err(DpopError::Nonce));
    }
}

// control: D-17, TOK-05: a stolen token is worth nothing under the thief's own key
#[test]
fn a_proof_is_of_the_tokens_own_key() {
    let (door, owner, thief) = (Possession::new(&[1; 32]), Signer::p256(), Signer::p256());
    let nonce = door.nonce(NOW);
    let jkt = door.prove(&proof(&owner, &nonce, "1", NOW), &first(), NOW).unwrap();
    let with_token = Asked { token: Some((TOKEN, &jkt)), ..first() };
    let theirs = proof(&thief, &nonce, "2", NOW);
    assert_eq!(door.prove(&theirs, &with_token, NOW), Err(DpopError::OtherKey));
    // What was refused is not used up.
    assert!(door.prove(&theirs, &first(), NOW).is_ok());
    assert_eq!(door.prove(&proof(&owner, &nonce, "2", NOW), &with_token, NOW), Ok(jkt));
}

#[test]
fn a_nonce_is_good_while_it_is_handed_out_and_once_more() {
    let (door, signer) = (Possession::new(&[1; 32]), Signer::p256());
    // NOW is the beginning of a period or within one; the periods after it begin at most 30 seconds apart.
    let nonce = door.nonce(NOW);
    let (next, late) = (after(30), after(60));
    assert_ne!(door.nonce(next), nonce);
    assert!(door.prove(&proof(&signer, &nonce, "1", next), &first(), next).is_ok());
    assert_eq!(door.prove(&proof(&signer, &nonce, "1", next), &first(), next), Err(DpopError::Replayed));
    assert_eq!(door.prove(&proof(&signer, &nonce, "2", late), &first(), late), Err(DpopError::Nonce));
}

// control: D-17: a clock that jumps makes no proof good again
#[test]
fn a_jumping_clock_brings_no_proof_back() {
    let signer = Signer::p256();
    for jump in [-86_400, -60, -30, 30, 60, 86_400] {
        let door = Possession::new(&[1; 32]);
        let made = proof(&signer, &door.nonce(NOW), "j", NOW);
        assert!(door.prove(&made, &first(), NOW).is_ok());
        // There, and back again.
        door.nonce(after(jump));
        let again = door.prove(&made, &first(), NOW);
        assert!(matches!(again, Err(DpopError::Replayed | DpopError::Nonce)), "{jump}: {again:?}");
    }
}

// control: D-17: whoever is late turns nobody's nonce
#[test]
fn a_late_request_turns_no_nonce_back() {
    let (door, signer) = (Possession::new(&[1; 32]), Signer::p256());
    let next = door.nonce(after(30));
    for late in [29, -1, -60, -240] {
        assert_eq!(door.nonce(after(late)), next, "{late}");
        assert_eq!(door.nonce(after(30)), next, "{late}");
    }
    assert!(door.prove(&proof(&signer, &next, "j", after(30)), &first(), after(30)).is_ok());
    // A clock that was set back for good makes new nonces in the end, and what was used stays used.
    assert_ne!(door.nonce(after(-600)), next);
    let again = door.prove(&proof(&signer, &next, "j", after(30)), &first(), after(-240));
    assert_eq!(again, Err(DpopError::Nonce));
}

#[test]
fn what_is_remembered_is_bounded() {
    let mut seen = Seen { turn: 5, ..Seen::default() };
    let id = |number: usize| (number as u128).to_be_bytes();
    for number in 0..MOST {
        assert_eq!(seen.take(5, false, id(number)), Ok(()));
    }
    assert_eq!(seen.take(5, false, id(MOST)), Err(DpopError::Full));
    // Full or not, what was used is not good again, and another nonce has room of its own.
    assert_eq!(seen.take(5, false, id(0)), Err(DpopError::Replayed));
    assert_eq!(seen.take(4, false, id(MOST)), Ok(()));
    assert_eq!(seen.take(3, false, id(MOST)), Err(DpopError::Nonce));
    assert_eq!(seen.take(6, false, id(MOST)), Err(DpopError::Nonce));
    // Whoever fills up the token endpoint shuts nobody out of the servers.
    assert_eq!(seen.take(5, true, id(MOST)), Ok(()));
}

// control: D-17: of two who use one proof at once, one is refused
#[test]
fn a_proof_is_used_by_two_at_once() {
    let (door, signer) = (Possession::new(&[1; 32]), Signer::p256());
    let made = proof(&signer, &door.nonce(NOW), "j", NOW);
    let good = std::thread::scope(|scope| {
        let tries: Vec<_> =
            (0..8).map(|_| scope.spawn(|| door.prove(&made, &first(), NOW).is_ok())).collect();
        tries.into_iter().filter_map(|one| one.join().ok()).filter(|good| *good).count()
    });
    assert_eq!(good, 1);
}
