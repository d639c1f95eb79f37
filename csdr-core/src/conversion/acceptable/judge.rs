use crate::{
    conversion::{BuiltinConverter, TargetApis},
    model::Tree,
};
use std::fmt::Write as _;
#[test]
fn judge() {
    let Ok(input) = std::env::var("JUDGE_IN") else {
        return;
    };
    let minor: u32 = std::env::var("JUDGE_MINOR")
        .ok()
        .and_then(|m| m.parse().ok())
        .unwrap_or(36);
    let target = TargetApis::kubernetes(1, minor).unwrap();
    let mut out = String::new();
    for line in std::fs::read_to_string(input).unwrap().lines() {
        let row = Tree::parse(line.as_bytes()).unwrap();
        let id = row.at(&["id"]).unwrap().to_string();
        let object = row.at(&["object"]).unwrap().clone();
        let json = object.to_json();
        let av: crate::model::ApiVersion =
            object.text_at(&["apiVersion"]).unwrap().parse().unwrap();
        let concerned =
            super::concerns(av.group(), object.text_at(&["kind"]).unwrap(), minor, &json);
        match BuiltinConverter::new()
            .acceptable(object.clone(), &target)
            .unwrap()
        {
            Err(reason) => writeln!(
                out,
                "{{\"id\":{id},\"concerned\":{concerned},\"skip\":{}}}",
                serde_json::to_string(&reason.to_string()).unwrap()
            )
            .unwrap(),
            Ok(done) => {
                let notes: Vec<String> = done
                    .changes
                    .iter()
                    .map(|c| format!("C {c}"))
                    .chain(done.losses.iter().map(|l| format!("L {l}")))
                    .collect();
                writeln!(out, "{{\"id\":{id},\"concerned\":{concerned},\"same\":{},\"object\":{},\"notes\":{}}}", done.tree == object, done.tree, serde_json::to_string(&notes).unwrap()).unwrap();
            }
        }
    }
    std::fs::write(std::env::var("JUDGE_OUT").unwrap(), out).unwrap();
}
