//! A component of world `course` behind the [`Course`] trait.

use std::sync::Arc;

use wasmtime::component::Component;

use super::bindings::course::CoursePre;
use super::call::{broken, run};
use super::guest::{Bounds, Guest, store};
use super::{convert, linker};
use crate::backend::{Advice, BoxFuture, Course, Layout, Moment};
use crate::context::OpContext;
use crate::environment::Description;
use crate::error::PluginError;
use crate::host::Shared;
use crate::wire::Wire;

/// A loaded hook.
pub struct WasmCourse {
    shared: Arc<Shared>,
    pre: CoursePre<Guest>,
}

impl WasmCourse {
    /// Link it.
    pub fn new(shared: Arc<Shared>, component: &Component) -> Result<Self, PluginError> {
        let linked = linker::link(&shared.linkers.course, component)?;
        let pre = CoursePre::new(linked).map_err(|error| PluginError::NotAPlugin(format!("{error:#}")))?;
        Ok(Self { shared, pre })
    }

    /// Who it says it is.
    pub async fn describe(&self, cx: &OpContext) -> Result<Description, PluginError> {
        let bounds = Bounds::new(cx);
        let mut store = store(&self.shared, cx, bounds.clone(), Wire::new(cx, bounds.deadline, None));
        let pre = self.pre.clone();
        run(&self.shared, &bounds, async move {
            let instance = pre.instantiate_async(&mut store).await.map_err(|error| broken(&error))?;
            let said = instance.kitbag_plugin_hooks().call_describe(&mut store).await;
            convert::description(said.map_err(|error| broken(&error))?)
        })
        .await
    }
}

impl Course for WasmCourse {
    fn layout<'a>(
        &'a self,
        config: serde_json::Value,
        cx: &'a OpContext,
    ) -> BoxFuture<'a, Result<Layout, PluginError>> {
        Box::pin(async move {
            let bounds = Bounds::new(cx);
            let mut store = store(&self.shared, cx, bounds.clone(), Wire::new(cx, bounds.deadline, None));
            let (pre, grants) = (self.pre.clone(), cx.grants.clone());
            run(&self.shared, &bounds, async move {
                let instance = pre.instantiate_async(&mut store).await.map_err(|error| broken(&error))?;
                let answer =
                    instance.kitbag_plugin_hooks().call_layout(&mut store, &config.to_string()).await;
                let answer = answer.map_err(|error| broken(&error))?;
                convert::layout(answer.map_err(|fault| convert::fault(fault, &grants))?)
            })
            .await
        })
    }

    fn hook<'a>(
        &'a self,
        at: Moment,
        config: serde_json::Value,
        cx: &'a OpContext,
    ) -> BoxFuture<'a, Result<Advice, PluginError>> {
        Box::pin(async move {
            let bounds = Bounds::new(cx);
            let mut store = store(&self.shared, cx, bounds.clone(), Wire::new(cx, bounds.deadline, None));
            let (pre, grants) = (self.pre.clone(), cx.grants.clone());
            run(&self.shared, &bounds, async move {
                let instance = pre.instantiate_async(&mut store).await.map_err(|error| broken(&error))?;
                let answer = instance
                    .kitbag_plugin_hooks()
                    .call_hook(&mut store, at.into(), &config.to_string())
                    .await;
                let answer = answer.map_err(|error| broken(&error))?;
                Ok(convert::advice(answer.map_err(|fault| convert::fault(fault, &grants))?, &grants))
            })
            .await
        })
    }
}
