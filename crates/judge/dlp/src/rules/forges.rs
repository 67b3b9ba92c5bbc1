//! Forges, package registries, build servers, and keepers of secrets.

use super::{Rule, UUID, rule};
use crate::charset::Part::{Run, Text};
use crate::charset::{Charset, exactly};
use crate::checksum;

const URL64: Charset = Charset::URL64;
const ALNUM: Charset = Charset::ALNUM;
const HEX: Charset = Charset::HEX;
const DOTTED: Charset = URL64.plus(b".");
const PADDED: Charset = URL64.plus(b"=");
const BECH32: Charset = Charset::of(b"QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L");
const BASE32: Charset = Charset::LOWER.plus(b"234567");

pub(super) const RULES: &[Rule] = &[
    rule("github-token", &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], &[Run(ALNUM, 36, 255)])
        .proof(checksum::forge_token),
    rule("github-fine-grained-token", &["github_pat_"], &[Run(Charset::WORD, 60, 255)]),
    rule(
        "gitlab-token",
        &[
            "glpat-", "gldt-", "glrt-", "glft-", "glptt-", "glsoat-", "glimt-", "glagent-", "glcbt-",
            "gloas-", "glffct-",
        ],
        &[Run(DOTTED, 20, 320)],
    ),
    rule("gitlab-runner-token", &["GR1348941"], &[Run(URL64, 20, 24)]),
    rule("npm-token", &["npm_"], &[exactly(ALNUM, 36)]).proof(checksum::forge_token),
    rule("pypi-token", &["pypi-Ag"], &[Run(URL64, 50, 1000)]),
    rule("rubygems-token", &["rubygems_"], &[exactly(HEX, 48)]),
    rule("crates-io-token", &["cio"], &[exactly(ALNUM, 32)]).entropy(36),
    rule("nuget-key", &["oy2"], &[exactly(BASE32, 43)]).entropy(33),
    rule("clojars-token", &["CLOJARS_"], &[exactly(Charset::SMALL, 60)]),
    rule("docker-token", &["dckr_pat_", "dckr_oat_"], &[Run(URL64, 24, 64)]),
    rule("bitbucket-app-password", &["ATBB"], &[Run(ALNUM, 28, 36)]),
    rule("atlassian-token", &["ATATT3"], &[Run(PADDED, 100, 300)]),
    rule("bitbucket-token", &["ATCTT3"], &[Run(PADDED, 100, 300)]),
    rule("artifactory-key", &["AKCp"], &[Run(ALNUM, 60, 80)]).entropy(38),
    rule("artifactory-token", &["cmVmd"], &[exactly(ALNUM, 59)]).entropy(38),
    rule("sonar-token", &["squ_", "sqp_", "sqa_"], &[exactly(HEX, 40)]),
    rule("sourcegraph-token", &["sgp_"], &[Run(Charset::WORD, 40, 64)]),
    rule("circleci-token", &["CCIPAT_", "CCIPRJ_"], &[Run(Charset::WORD, 40, 80)]),
    rule("buildkite-token", &["bkua_", "bkaj_", "bkpt_"], &[Run(ALNUM, 40, 64)]),
    rule("octopus-key", &["API-"], &[exactly(Charset::CAPITAL, 26)]).entropy(33),
    rule(
        "harness-token",
        &["pat.", "sat."],
        &[exactly(URL64, 22), Text("."), exactly(ALNUM, 24), Text("."), exactly(ALNUM, 20)],
    ),
    rule("prefect-token", &["pnu_", "pnb_"], &[exactly(ALNUM, 36)]),
    rule("infracost-token", &["ico-"], &[exactly(ALNUM, 32)]).entropy(35),
    rule("pulumi-token", &["pul-"], &[exactly(HEX, 40)]),
    rule("terraform-token", &[".atlasv1."], &[Run(PADDED, 60, 70)]).head(&[exactly(ALNUM, 14)]),
    rule("vault-token", &["hvs.", "hvb.", "hvr."], &[Run(URL64, 24, 300)]).entropy(33),
    rule("doppler-token", &["dp.pt.", "dp.ct.", "dp.sa.", "dp.scim.", "dp.audit."], &[Run(ALNUM, 40, 44)]),
    rule("doppler-service-token", &["dp.st."], &[Run(DOTTED, 40, 90)]),
    rule("age-key", &["AGE-SECRET-KEY-1"], &[exactly(BECH32, 58)]),
    rule("age-plugin-key", &["AGE-PLUGIN-"], &[Run(Charset::CAPITAL.plus(b"-"), 20, 200)])
        .entropy(35)
        .likely(),
    rule("onepassword-token", &["ops_eyJ"], &[Run(Charset::ANY64.plus(b"="), 100, 2000)]),
    rule(
        "onepassword-key",
        &["A3-"],
        &[exactly(Charset::CAPITAL, 6), Text("-"), Run(Charset::CAPITAL.plus(b"-"), 26, 30)],
    )
    .entropy(35),
    rule("launchdarkly-key", &["sdk-", "api-", "mob-"], UUID).near(&["launchdarkly", "ld_", "sdk_key"]),
    rule("plaid-token", &["access-production-", "access-development-", "access-sandbox-"], UUID),
    rule("tailscale-key", &["tskey-auth-", "tskey-api-", "tskey-client-", "tskey-"], &[Run(URL64, 16, 80)]),
    rule("netlify-token", &["nfp_"], &[Run(ALNUM, 36, 44)]),
    rule("render-key", &["rnd_"], &[Run(ALNUM, 28, 36)]),
    rule(
        "planetscale-token",
        &["pscale_tkn_", "pscale_oauth_", "pscale_pw_"],
        &[Run(DOTTED.plus(b"="), 32, 64)],
    ),
    rule("supabase-key", &["sbp_"], &[exactly(HEX, 40)]),
    rule("supabase-secret-key", &["sb_secret_"], &[Run(URL64, 24, 48)]),
    rule("openshift-token", &["sha256~"], &[exactly(URL64, 43)]).entropy(35),
    rule("readme-token", &["rdme_"], &[Run(Charset::SMALL, 64, 76)]),
    rule("scalingo-token", &["tk-us-"], &[exactly(URL64, 48)]),
    rule("contentful-token", &["CFPAT-"], &[exactly(URL64, 43)]),
];
