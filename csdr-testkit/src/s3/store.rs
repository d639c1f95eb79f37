//! The operations of S3 that vaults use, on objects in memory.

use super::{
    Conditional, S3Options,
    object::{Chunks, Object, Part, Upload, unique},
};
use bytes::Bytes;
use futures::stream;
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{
        AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, DeleteObjectInput, DeleteObjectOutput, DeleteObjectsInput,
        DeleteObjectsOutput, DeletedObject, ETag, ETagCondition, GetObjectInput, GetObjectOutput,
        HeadBucketInput, HeadBucketOutput, HeadObjectInput, HeadObjectOutput,
        ListMultipartUploadsInput, ListMultipartUploadsOutput, ListObjectsV2Input,
        ListObjectsV2Output, MultipartUpload, Object as ListedObject, PutObjectInput,
        PutObjectOutput, Range, StreamingBlob, UploadPartInput, UploadPartOutput,
    },
    s3_error,
};
use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

/// S3 takes no smaller parts, except the last.
const MIN_PART: u64 = 5 << 20;

/// One bucket; clones are the same one.
#[derive(Clone, Debug)]
pub(super) struct Store {
    bucket: String,
    page_keys: usize,
    conditional: Conditional,
    capacity: u64,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    objects: BTreeMap<String, Arc<Object>>,
    uploads: BTreeMap<String, Upload>,
}

impl State {
    fn upload(&mut self, id: &str, key: &str) -> S3Result<&mut Upload> {
        self.uploads
            .get_mut(id)
            .filter(|upload| upload.key == key)
            .ok_or_else(|| s3_error!(NoSuchUpload))
    }

    fn used(&self) -> u64 {
        let objects = self.objects.values().map(|object| object.body.size());
        let parts = self
            .uploads
            .values()
            .flat_map(|upload| upload.parts.values());
        objects.chain(parts.map(|part| part.body.size())).sum()
    }
}

impl Store {
    pub(super) fn new(options: &S3Options) -> Self {
        Self {
            bucket: options.bucket.clone(),
            page_keys: options.page_keys.max(1),
            conditional: options.conditional,
            capacity: options.capacity_bytes,
            state: Arc::default(),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is one insert or remove: a panic elsewhere leaves nothing half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.state().objects.keys().cloned().collect()
    }

    pub(super) fn object(&self, key: &str) -> Option<Vec<u8>> {
        let object = self.state().objects.get(key).cloned()?;
        Some(object.body.slices(&(0..object.body.size())).concat())
    }

    pub(super) fn set_object(&self, key: &str, body: Option<&[u8]>) {
        let mut state = self.state();
        match body {
            None => {
                state.objects.remove(key);
            }
            Some(body) => {
                let mut chunks = Chunks::default();
                chunks.push(Bytes::copy_from_slice(body));
                let object = Object::new(chunks, Default::default());
                state.objects.insert(key.to_owned(), object);
            }
        }
    }

    pub(super) fn open_uploads(&self) -> usize {
        self.state().uploads.len()
    }

    fn check_bucket(&self, bucket: &str) -> S3Result<()> {
        if bucket == self.bucket {
            Ok(())
        } else {
            Err(s3_error!(NoSuchBucket))
        }
    }

    /// Whether a write must find no object. `If-Match` is not offered.
    fn only_new(&self, condition: Option<&ETagCondition>) -> S3Result<bool> {
        match (condition, self.conditional) {
            (None, _) | (Some(_), Conditional::Ignored) => Ok(false),
            (Some(ETagCondition::Any), Conditional::Honoured) => Ok(true),
            (Some(_), _) => Err(s3_error!(
                NotImplemented,
                "a header of this request implies functionality that this server does not offer: If-None-Match"
            )),
        }
    }

    fn find(&self, bucket: &str, key: &str) -> S3Result<Arc<Object>> {
        self.check_bucket(bucket)?;
        let object = self.state().objects.get(key).cloned();
        object.ok_or_else(|| s3_error!(NoSuchKey))
    }

    fn remove(&self, key: &str) {
        self.state().objects.remove(key);
    }

    /// Puts an object in its place, in one step with the look whether the key is free.
    fn insert(
        &self,
        state: &mut State,
        key: String,
        object: Arc<Object>,
        only_new: bool,
    ) -> S3Result<()> {
        if only_new && state.objects.contains_key(&key) {
            return Err(s3_error!(PreconditionFailed));
        }
        if state.used() + object.body.size() > self.capacity {
            return Err(quota());
        }
        state.objects.insert(key, object);
        Ok(())
    }
}

fn quota() -> s3s::S3Error {
    let mut error = s3s::S3Error::new(s3s::S3ErrorCode::Custom("QuotaExceeded".into()));
    error.set_status_code(http::StatusCode::INSUFFICIENT_STORAGE);
    error
}

fn condition_holds(condition: Option<&ETagCondition>, object: &Object) -> S3Result<()> {
    match condition {
        Some(ETagCondition::ETag(etag)) if *etag.value() != object.etag => {
            Err(s3_error!(PreconditionFailed))
        }
        _ => Ok(()),
    }
}

#[async_trait::async_trait]
impl S3 for Store {
    async fn head_bucket(
        &self,
        request: S3Request<HeadBucketInput>,
    ) -> S3Result<S3Response<HeadBucketOutput>> {
        self.check_bucket(&request.input.bucket)?;
        Ok(S3Response::new(HeadBucketOutput::default()))
    }

    async fn put_object(
        &self,
        request: S3Request<PutObjectInput>,
    ) -> S3Result<S3Response<PutObjectOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let only_new = self.only_new(input.if_none_match.as_ref())?;
        let body = Chunks::receive(input.body, self.capacity).await?;
        let object = Object::new(
            body,
            input.metadata.unwrap_or_default().into_iter().collect(),
        );
        self.insert(&mut self.state(), input.key, object.clone(), only_new)?;
        Ok(S3Response::new(PutObjectOutput {
            e_tag: Some(object.etag()),
            ..Default::default()
        }))
    }

    async fn get_object(
        &self,
        request: S3Request<GetObjectInput>,
    ) -> S3Result<S3Response<GetObjectOutput>> {
        let input = request.input;
        let object = self.find(&input.bucket, &input.key)?;
        condition_holds(input.if_match.as_ref(), &object)?;
        let size = object.body.size();
        let range = input
            .range
            .map(|range: Range| range.check(size).map_err(|_| s3_error!(InvalidRange)))
            .transpose()?;
        let content_range = range
            .as_ref()
            .map(|range| format!("bytes {}-{}/{size}", range.start, range.end - 1));
        let range = range.unwrap_or(0..size);
        let slices = object
            .body
            .slices(&range)
            .into_iter()
            .map(Ok::<_, Infallible>);
        Ok(S3Response::new(GetObjectOutput {
            body: Some(StreamingBlob::wrap(stream::iter(slices))),
            content_length: Some((range.end - range.start).cast_signed()),
            content_range,
            e_tag: Some(object.etag()),
            last_modified: Some(object.modified()),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            ..Default::default()
        }))
    }

    async fn head_object(
        &self,
        request: S3Request<HeadObjectInput>,
    ) -> S3Result<S3Response<HeadObjectOutput>> {
        let object = self.find(&request.input.bucket, &request.input.key)?;
        condition_holds(request.input.if_match.as_ref(), &object)?;
        Ok(S3Response::new(HeadObjectOutput {
            content_length: Some(object.body.size().cast_signed()),
            e_tag: Some(object.etag()),
            last_modified: Some(object.modified()),
            metadata: Some(object.metadata.clone().into_iter().collect()),
            ..Default::default()
        }))
    }

    async fn delete_object(
        &self,
        request: S3Request<DeleteObjectInput>,
    ) -> S3Result<S3Response<DeleteObjectOutput>> {
        self.check_bucket(&request.input.bucket)?;
        self.remove(&request.input.key);
        Ok(S3Response::new(DeleteObjectOutput::default()))
    }

    async fn delete_objects(
        &self,
        request: S3Request<DeleteObjectsInput>,
    ) -> S3Result<S3Response<DeleteObjectsOutput>> {
        self.check_bucket(&request.input.bucket)?;
        let mut deleted = Vec::new();
        for object in request.input.delete.objects {
            self.remove(&object.key);
            deleted.push(DeletedObject {
                key: Some(object.key),
                ..Default::default()
            });
        }
        Ok(S3Response::new(DeleteObjectsOutput {
            deleted: Some(deleted),
            ..Default::default()
        }))
    }

    async fn list_objects_v2(
        &self,
        request: S3Request<ListObjectsV2Input>,
    ) -> S3Result<S3Response<ListObjectsV2Output>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let prefix = input.prefix.clone().unwrap_or_default();
        // The token is the last key or common prefix of the page before.
        let after = input
            .continuation_token
            .clone()
            .or(input.start_after.clone());
        let limit = match input.max_keys {
            Some(keys) => usize::try_from(keys).unwrap_or(0).min(self.page_keys),
            None => self.page_keys,
        };
        let (mut contents, mut folders) = (Vec::new(), Vec::new());
        let mut last = String::new();
        let mut truncated = false;
        let state = self.state();
        for (key, object) in state.objects.range(prefix.clone()..) {
            let Some(rest) = key.strip_prefix(&prefix) else {
                break;
            };
            let folder = input
                .delimiter
                .as_deref()
                .filter(|delimiter| !delimiter.is_empty())
                .and_then(|delimiter| rest.find(delimiter).map(|at| at + delimiter.len()))
                .map(|end| &key[..prefix.len() + end]);
            let entry = folder.unwrap_or(key);
            let told = after.as_deref().is_some_and(|after| entry <= after);
            if told || (folder.is_some() && entry == last) {
                continue;
            }
            if contents.len() + folders.len() == limit {
                truncated = true;
                break;
            }
            entry.clone_into(&mut last);
            match folder {
                Some(folder) => folders.push(CommonPrefix {
                    prefix: Some(folder.to_owned()),
                }),
                None => contents.push(ListedObject {
                    key: Some(key.clone()),
                    size: Some(object.body.size().cast_signed()),
                    e_tag: Some(object.etag()),
                    last_modified: Some(object.modified()),
                    ..Default::default()
                }),
            }
        }
        Ok(S3Response::new(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: input.prefix,
            delimiter: input.delimiter,
            key_count: i32::try_from(contents.len() + folders.len()).ok(),
            max_keys: i32::try_from(limit).ok(),
            is_truncated: Some(truncated),
            next_continuation_token: truncated.then_some(last),
            continuation_token: input.continuation_token,
            contents: Some(contents),
            common_prefixes: Some(folders),
            ..Default::default()
        }))
    }

    async fn create_multipart_upload(
        &self,
        request: S3Request<CreateMultipartUploadInput>,
    ) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let id = unique();
        let upload = Upload {
            key: input.key.clone(),
            initiated: SystemTime::now(),
            metadata: input.metadata.unwrap_or_default().into_iter().collect(),
            parts: BTreeMap::new(),
        };
        self.state().uploads.insert(id.clone(), upload);
        Ok(S3Response::new(CreateMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            upload_id: Some(id),
            ..Default::default()
        }))
    }

    async fn upload_part(
        &self,
        request: S3Request<UploadPartInput>,
    ) -> S3Result<S3Response<UploadPartOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        if !(1..=10_000).contains(&input.part_number) {
            return Err(s3_error!(InvalidArgument));
        }
        self.state().upload(&input.upload_id, &input.key)?;
        let body = Chunks::receive(input.body, self.capacity).await?;
        let mut state = self.state();
        if state.used() + body.size() > self.capacity {
            return Err(quota());
        }
        let etag = unique();
        let part = Part {
            body,
            etag: etag.clone(),
        };
        // The upload may have been aborted while the body came.
        let upload = state.upload(&input.upload_id, &input.key)?;
        upload.parts.insert(input.part_number, part);
        Ok(S3Response::new(UploadPartOutput {
            e_tag: Some(ETag::Strong(etag)),
            ..Default::default()
        }))
    }

    async fn complete_multipart_upload(
        &self,
        request: S3Request<CompleteMultipartUploadInput>,
    ) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let only_new = self.only_new(input.if_none_match.as_ref())?;
        let listed = input
            .multipart_upload
            .and_then(|upload| upload.parts)
            .filter(|parts| !parts.is_empty())
            .ok_or_else(|| s3_error!(MalformedXML))?;
        let mut state = self.state();
        let upload = state.upload(&input.upload_id, &input.key)?;
        let mut body = Chunks::default();
        let mut before = 0;
        for (i, listed_part) in listed.iter().enumerate() {
            let number = listed_part.part_number.unwrap_or_default();
            let part = upload
                .parts
                .get(&number)
                .filter(|part| {
                    listed_part
                        .e_tag
                        .as_ref()
                        .is_some_and(|etag| *etag.value() == part.etag)
                })
                .ok_or_else(|| s3_error!(InvalidPart))?;
            if number <= before {
                return Err(s3_error!(InvalidPartOrder));
            }
            if i + 1 < listed.len() && part.body.size() < MIN_PART {
                return Err(s3_error!(EntityTooSmall));
            }
            before = number;
            body.append(&part.body);
        }
        let object = Object::new(body, upload.metadata.clone());
        if only_new && state.objects.contains_key(&input.key) {
            // The upload stays, as on S3: its owner must abort it.
            return Err(s3_error!(PreconditionFailed));
        }
        state.uploads.remove(&input.upload_id);
        self.insert(&mut state, input.key.clone(), object.clone(), only_new)?;
        Ok(S3Response::new(CompleteMultipartUploadOutput {
            bucket: Some(input.bucket),
            key: Some(input.key),
            e_tag: Some(object.etag()),
            ..Default::default()
        }))
    }

    async fn abort_multipart_upload(
        &self,
        request: S3Request<AbortMultipartUploadInput>,
    ) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let mut state = self.state();
        state.upload(&input.upload_id, &input.key)?;
        state.uploads.remove(&input.upload_id);
        Ok(S3Response::new(AbortMultipartUploadOutput::default()))
    }

    async fn list_multipart_uploads(
        &self,
        request: S3Request<ListMultipartUploadsInput>,
    ) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
        let input = request.input;
        self.check_bucket(&input.bucket)?;
        let prefix = input.prefix.unwrap_or_default();
        let state = self.state();
        let uploads = state
            .uploads
            .iter()
            .filter(|(_, upload)| upload.key.starts_with(&prefix))
            .map(|(id, upload)| MultipartUpload {
                key: Some(upload.key.clone()),
                upload_id: Some(id.clone()),
                initiated: Some(upload.initiated.into()),
                ..Default::default()
            });
        Ok(S3Response::new(ListMultipartUploadsOutput {
            bucket: Some(input.bucket),
            is_truncated: Some(false),
            uploads: Some(uploads.collect()),
            ..Default::default()
        }))
    }
}
