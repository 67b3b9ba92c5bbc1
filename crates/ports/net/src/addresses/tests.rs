use super::*;

/// Address, in the open internet, closed to every configuration.
const TABLE: &[(&str, bool, bool)] = &[
    // the open internet
    ("1.1.1.1", true, false),
    ("8.8.8.8", true, false),
    ("9.255.255.255", true, false),
    ("11.0.0.0", true, false),
    ("20.190.151.7", true, false),
    ("100.63.255.255", true, false),
    ("100.128.0.0", true, false),
    ("126.255.255.255", true, false),
    ("128.0.0.1", true, false),
    ("168.63.129.15", true, false),
    ("169.253.255.255", true, false),
    ("169.255.0.0", true, false),
    ("172.15.255.255", true, false),
    ("172.32.0.0", true, false),
    ("192.0.1.0", true, false),
    ("192.167.255.255", true, false),
    ("192.169.0.0", true, false),
    ("198.17.255.255", true, false),
    ("198.20.0.0", true, false),
    ("223.255.255.255", true, false),
    ("2001:200::1", true, false),
    ("2001:4860:4860::8888", true, false),
    ("2603:1006:2000::8", true, false),
    ("2a00:1450:4001::1", true, false),
    ("3ffe::1", true, false),
    ("::ffff:8.8.8.8", true, false),
    ("64:ff9b::808:808", true, false),
    // ours: an operator may write it, a stranger may not
    ("10.0.0.1", false, false),
    ("10.255.255.255", false, false),
    ("100.64.0.1", false, false),
    ("100.127.255.255", false, false),
    ("127.0.0.1", false, false),
    ("127.255.255.254", false, false),
    ("172.16.0.1", false, false),
    ("172.31.255.255", false, false),
    ("192.0.0.1", false, false),
    ("192.0.2.1", false, false),
    ("192.88.99.1", false, false),
    ("192.168.0.1", false, false),
    ("198.18.0.1", false, false),
    ("198.19.255.255", false, false),
    ("198.51.100.1", false, false),
    ("203.0.113.1", false, false),
    ("::1", false, false),
    ("::ffff:127.0.0.1", false, false),
    ("::ffff:10.0.0.1", false, false),
    ("::ffff:192.168.1.1", false, false),
    ("::127.0.0.1", false, false),
    ("::8.8.8.8", false, false),
    ("::ffff:0:8.8.8.8", false, false),
    ("64:ff9b::a00:1", false, false),
    ("64:ff9b::7f00:1", false, false),
    ("64:ff9b:1::808:808", false, false),
    ("100::1", false, false),
    ("2001::1", false, true), // Teredo whose server is 0.0.0.0
    ("2001:0:808:808::f7f7:f7f7", false, false),
    ("2001:2::1", false, false),
    ("2001:20::1", false, false),
    ("2001:db8::1", false, false),
    ("2002:808:808::1", false, false),
    ("2002:7f00:1::1", false, false),
    ("2002:a00:1::1", false, false),
    ("3fff:fff::1", false, false),
    ("4000::1", false, false),
    ("5f00::1", false, false),
    ("fc00::1", false, false),
    ("fd12:3456:789a::1", false, false),
    ("fd00:ec2::253", false, false),
    ("fec0::1", false, false),
    // nobody's
    ("0.0.0.0", false, true),
    ("0.1.2.3", false, true),
    ("169.254.0.1", false, true),
    ("169.254.169.254", false, true),
    ("169.254.170.2", false, true),
    ("100.100.100.200", false, true),
    ("168.63.129.16", false, true),
    ("192.0.0.192", false, true),
    ("224.0.0.1", false, true),
    ("239.255.255.250", false, true),
    ("240.0.0.1", false, true),
    ("255.255.255.255", false, true),
    ("::", false, true),
    ("::ffff:0.0.0.0", false, true),
    ("::ffff:169.254.169.254", false, true),
    ("::ffff:a9fe:a9fe", false, true),
    ("::ffff:168.63.129.16", false, true),
    ("::169.254.169.254", false, true),
    ("::ffff:0:169.254.169.254", false, true),
    ("64:ff9b::a9fe:a9fe", false, true),
    ("64:ff9b:1::a9fe:a9fe", false, true),
    ("2002:a9fe:a9fe::1", false, true),
    ("2001:0:a9fe:a9fe::1", false, true),
    ("2001:0:808:808::5601:5601", false, true), // Teredo whose client is 169.254.169.254
    ("fe80::1", false, true),
    ("febf::1", false, true),
    ("fd00:ec2::254", false, true),
    ("fd20:ce::254", false, true),
    ("ff02::1", false, true),
    ("ff0e::1", false, true),
];

// control: U-11, D-19: every written form of an address is judged by where it leads
#[test]
fn addresses_are_judged_by_where_they_lead() {
    assert!(TABLE.len() >= 60);
    for &(text, global, never) in TABLE {
        let address: IpAddr = text.parse().unwrap();
        assert_eq!((is_global(address), is_never(address)), (global, never), "{text}");
        assert!(!(is_global(address) && is_never(address)), "{text}");
    }
}

#[test]
fn a_mapped_address_is_what_it_maps_to() {
    for &(text, global, never) in TABLE {
        if let IpAddr::V4(v4) = text.parse().unwrap() {
            let mapped = IpAddr::V6(v4.to_ipv6_mapped());
            assert_eq!((is_global(mapped), is_never(mapped)), (global, never), "{mapped}");
        }
    }
}

#[test]
fn loopback_is_loopback_in_each_form() {
    for (text, loopback) in [
        ("127.0.0.1", true),
        ("127.9.9.9", true),
        ("::1", true),
        ("::ffff:127.0.0.1", true),
        ("::127.0.0.1", false),
        ("128.0.0.1", false),
        ("::2", false),
        ("2002:7f00:1::1", false),
    ] {
        assert_eq!(is_loopback(text.parse().unwrap()), loopback, "{text}");
    }
}
