use super::*;

fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(secs)
}

fn put(cache: &mut TokenCache<u32>, token: u32, kid: &str, expires: i64) -> TokenKey {
    let key = TokenKey::new(&token.to_string(), 1);
    cache.insert(key, Arc::new(token), kid.into(), at(expires), 7);
    key
}

// control: D-03: a remembered token is used only before its expiry, in its snapshot and in its revocation epoch
#[test]
fn a_hit_needs_the_same_token_snapshot_and_epoch_before_expiry() {
    let mut cache = TokenCache::new(8);
    let key = put(&mut cache, 1, "k", 100);
    assert_eq!(cache.get(&key, at(99), 7).as_deref(), Some(&1));
    assert!(cache.get(&key, at(100), 7).is_none(), "at its expiry a token is over");
    assert!(cache.get(&key, at(99), 8).is_none(), "a revocation raises the epoch");
    assert_eq!(cache.unasked(&key, at(99)).as_deref(), Some(&1), "it may be asked about");
    assert!(
        cache.unasked(&key, at(100)).is_none() && cache.unasked(&TokenKey::new("1", 2), at(99)).is_none()
    );
    assert!(cache.get(&TokenKey::new("1", 2), at(99), 7).is_none(), "another snapshot judges again");
    assert!(cache.get(&TokenKey::new("2", 1), at(99), 7).is_none());
}

// control: TOK-03: tokens signed by a key that is no longer published are forgotten
#[test]
fn a_removed_key_takes_its_tokens_along() {
    let mut cache = TokenCache::new(64);
    let keys: Vec<_> =
        (0..60).map(|n| (n, put(&mut cache, n, if n % 3 == 0 { "old" } else { "new" }, 100))).collect();
    cache.remove_kid("old");
    for (n, key) in &keys {
        assert_eq!(cache.get(key, at(0), 7).as_deref().copied(), (n % 3 != 0).then_some(*n), "{n}");
    }
    cache.retain_kids(|_| false);
    assert!(cache.is_empty() && cache.index.is_empty());
}

#[test]
fn it_never_grows_past_its_capacity_and_keeps_what_is_used() {
    let mut cache = TokenCache::new(100);
    let hot = put(&mut cache, 1_000_000, "k", 100);
    for n in 0..10_000 {
        let key = put(&mut cache, n, "k", 100);
        assert_eq!(cache.get(&hot, at(0), 7).as_deref(), Some(&1_000_000), "evicted a used entry at {n}");
        assert!(cache.len() <= 100 && cache.index.len() == cache.len());
        assert!(cache.index.contains_key(&key));
    }
}

#[test]
fn one_insertion_looks_at_a_bounded_number_of_entries() {
    let mut cache = TokenCache::new(1000);
    let keys: Vec<_> = (0..1000).map(|n| put(&mut cache, n, "k", 100)).collect();
    for key in &keys {
        cache.get(key, at(0), 7);
    }
    put(&mut cache, 5000, "k", 100);
    let still_marked = cache.slots.iter().filter(|slot| slot.used.load(Ordering::Relaxed)).count();
    assert!(still_marked >= 1000 - SWEEP - 1, "{still_marked}");
}

#[test]
fn storing_again_replaces() {
    let mut cache = TokenCache::new(4);
    let key = put(&mut cache, 1, "k", 100);
    cache.insert(key, Arc::new(2), "k".into(), at(200), 8);
    assert_eq!((cache.len(), cache.get(&key, at(150), 8).as_deref().copied()), (1, Some(2)));
}
