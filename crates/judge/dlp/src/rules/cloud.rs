//! Clouds: Amazon, Azure, Google and smaller ones.

use super::{Rule, rule};
use crate::charset::Part::{Run, Text};
use crate::charset::{Charset, Part, exactly};

const URL64: Charset = Charset::URL64;
const ALNUM: Charset = Charset::ALNUM;
const HEX: Charset = Charset::HEX;
const BASE64: Charset = Charset::BASE64;
const ENTRA: Charset = ALNUM.plus(b"_~.-");
/// The last character before two signs of padding has four bits that are zero.
const LAST: Charset = Charset::of(b"AQgw");
const A_TO_P: Charset = Charset::of(b"ABCDEFGHIJKLMNOP");
const A_TO_D: Charset = Charset::of(b"ABCD");
const EDGE64: Charset = Charset::ANY64;

/// Azure's keys of 64 bytes, with a signature near the end.
const TAIL64: &[Part] = &[exactly(BASE64, 5), exactly(LAST, 1), Text("==")];
const HEAD64: &[Part] = &[exactly(BASE64, 76)];
/// Those of 32 bytes.
const TAIL32: &[Part] = &[exactly(A_TO_P, 1), exactly(BASE64, 5), Text("=")];
const HEAD32: &[Part] = &[exactly(BASE64, 33)];

pub(super) const RULES: &[Rule] = &[
    rule("aws-access-key", &["AKIA", "ASIA", "ABIA", "ACCA"], &[exactly(Charset::CAPITAL, 16)]).entropy(28),
    rule(
        "aws-session-token",
        &["IQoJb3JpZ2lu", "FwoGZXIvYXdz", "FQoGZXIvYXdz"],
        &[Run(BASE64.plus(b"="), 100, 2000)],
    ),
    rule("aws-bedrock-key", &["ABSK"], &[Run(BASE64.plus(b"="), 90, 270)]).entropy(40),
    rule("google-api-key", &["AIza"], &[exactly(URL64, 35)]).entropy(33),
    rule("google-client-secret", &["GOCSPX-"], &[Run(URL64, 26, 30)]),
    rule("google-access-token", &["ya29."], &[Run(URL64.plus(b"."), 30, 500)]),
    rule("google-refresh-token", &["1//0"], &[Run(URL64, 38, 160)]).entropy(38),
    rule("azure-client-secret", &["Q~"], &[Run(ENTRA, 31, 34)])
        .head(&[exactly(ENTRA, 3), exactly(Charset::DIGIT, 1)])
        .entropy(35)
        .edge(ENTRA.plus(b"+/")),
    rule("azure-storage-key", &["+ASt"], TAIL64).head(HEAD64).edge(EDGE64),
    rule("azure-cosmos-key", &["ACDb"], TAIL64).head(HEAD64).edge(EDGE64),
    rule("azure-batch-key", &["+ABa"], TAIL64).head(HEAD64).edge(EDGE64),
    rule("azure-ml-key", &["+AMC"], TAIL64).head(HEAD64).edge(EDGE64),
    rule("azure-api-management-key", &["APIM"], TAIL64).head(HEAD64).edge(EDGE64),
    rule("azure-messaging-key", &["+ASb", "+AEh", "+ARm"], TAIL32).head(HEAD32).edge(EDGE64),
    rule("azure-iot-key", &["AIoT"], TAIL32).head(HEAD32).edge(EDGE64),
    rule("azure-redis-key", &["AzCa"], TAIL32).head(HEAD32).edge(EDGE64),
    rule("azure-event-grid-key", &["AZEG"], TAIL32).head(HEAD32).edge(EDGE64),
    rule("azure-search-key", &["AzSe"], &[exactly(A_TO_D, 1), exactly(ALNUM, 5)])
        .head(&[exactly(ALNUM, 42)])
        .edge(EDGE64),
    rule("azure-registry-key", &["+ACR"], &[exactly(A_TO_D, 1), exactly(BASE64, 5)])
        .head(&[exactly(BASE64, 42)])
        .edge(EDGE64),
    rule("azure-function-key", &["AzFu"], &[exactly(URL64, 5), exactly(LAST, 1), Text("==")])
        .head(&[exactly(URL64, 44)])
        .edge(EDGE64),
    rule("azure-common-key", &["JQQJ9"], &[Run(ALNUM, 26, 29)]).head(&[exactly(ALNUM, 52)]),
    rule("azure-devops-token", &["AZDO"], &[exactly(ALNUM, 4)]).head(&[exactly(ALNUM, 76)]),
    rule("digitalocean-token", &["dop_v1_", "doo_v1_", "dor_v1_"], &[exactly(HEX, 64)]),
    rule("heroku-key", &["HRKU-"], &[Run(URL64, 30, 64)]),
    rule("fly-token", &["fo1_"], &[exactly(URL64, 43)]),
    rule("fly-macaroon", &["fm1a_", "fm1r_", "fm2_"], &[Run(BASE64.plus(b"=,_-"), 60, 2000)]),
    rule("cloudflare-origin-key", &["v1.0-"], &[exactly(HEX, 24), Text("-"), exactly(HEX, 146)]),
    rule("alibaba-access-key", &["LTAI"], &[Run(ALNUM, 12, 24)]).entropy(33),
    rule("tencent-secret-id", &["AKID"], &[exactly(ALNUM, 32)]).entropy(37),
    rule("scaleway-key", &["SCW"], &[exactly(Charset::CAPITAL, 17)]).entropy(33),
    rule("yandex-key", &["AQVN"], &[Run(URL64, 35, 38)]).entropy(38),
    rule("databricks-token", &["dapi"], &[exactly(HEX, 32)]),
    rule("clickhouse-key", &["4b1d"], &[exactly(ALNUM, 38)]).entropy(40),
    rule("oracle-cloud-key-id", &["ocid1.credential."], &[Run(URL64.plus(b"."), 40, 120)]),
    rule("ssh-private-key", &["b3BlbnNzaC1rZXktdjE"], &[Run(BASE64.plus(b"=\n\r\\ "), 60, 8000)]),
];
