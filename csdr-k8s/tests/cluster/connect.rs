//! What a person sees when the cluster cannot be reached or does not know them.

use crate::plane::{client_with, hasty, plane};
use csdr_core::{ErrorKind, port::ResourceCollector};
use csdr_k8s::KubeCollector;
use csdr_testenv::{ControlPlane, KubeVersion};

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_client_certificate_is_named() {
    let plane = plane(KubeVersion::V1_36).await;
    let user = plane.expired_user("late", &["system:masters"]).unwrap();
    let client = client_with(user.yaml(), hasty()).await;
    let error = KubeCollector::new(client).discover().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unauthenticated,
        "{}",
        error.chain()
    );
    let line = error.to_string();
    assert!(line.contains("client certificate expired at 20"), "{line}");
    assert!(
        line.contains("get a new kubeconfig") && line.contains(plane.server_url()),
        "{line}"
    );
    assert_eq!(line.lines().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_named() {
    let plane = plane(KubeVersion::V1_36).await;
    // A port that was free a moment ago, and nothing of ours listens there.
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let address = format!("https://127.0.0.1:{port}");
    let yaml = plane
        .kubeconfig()
        .yaml()
        .replace(plane.server_url(), &address);
    let client = client_with(&yaml, hasty()).await;
    let error = KubeCollector::new(client).discover().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{}", error.chain());
    let line = error.to_string();
    assert!(
        line.contains("nothing listens") && line.contains(&address),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_of_another_authority_is_not_trusted() {
    let (one, other) = (
        plane(KubeVersion::V1_36).await,
        plane(KubeVersion::V1_21).await,
    );
    let yaml = one
        .kubeconfig()
        .yaml()
        .replace(one.server_url(), other.server_url());
    let client = client_with(&yaml, hasty()).await;
    let error = KubeCollector::new(client).discover().await.unwrap_err();
    assert_eq!(
        error.kind(),
        ErrorKind::Unauthenticated,
        "{}",
        error.chain()
    );
    assert!(
        error
            .to_string()
            .contains("not signed by the kubeconfig's certificate authority"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_hangs_times_out() {
    // A plane of its own: nobody else may notice that it hangs.
    let plane = ControlPlane::start().await.unwrap();
    let client = client_with(plane.kubeconfig().yaml(), hasty()).await;
    let collector = KubeCollector::new(client);
    collector.discover().await.unwrap();
    plane.pause().unwrap();
    let error = collector.discover().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{}", error.chain());
    plane.resume().unwrap();
    collector.discover().await.unwrap();
}
