"""The words by which a remark is known to belong to a family of rules.

A term is a word in lower case, or up to three words joined by hyphens, whether the text joins
them or not. `x_*` and `*_x` are identifiers that begin or end so. Endings (-s, -ed, -ing, ...) are
taken off a word that is not found as it stands.
"""

from __future__ import annotations

from typing import Final

STRONG: Final = {
    "rcu": """
        rcu srcu __rcu rcu_* *_rcu srcu_* *_srcu synchronize_net grace-period
    """,
    "locking": """
        lock unlock relock trylock locked unlocked locking unlocking lock_* unlock_* *_lock
        *_unlock *_trylock *_locked *_unlocked *_lock_irq *_lock_bh *_lock_irqsave
        *_unlock_irqrestore mutex mutex_* spinlock spin_* rwsem rwlock semaphore sem down_*
        up_read up_write deadlock dead-lock abba lockdep lockdep_* guard scoped_guard race
        races racy racing raced concurrent concurrently concurrency toctou serialize
        serialise serialized serialised mutual-exclusion mutually-exclusive critical-section
        synchronized synchronised synchronization irqsave irqrestore in-parallel
    """,
    "atomic": """
        sleep sleepable sleeping might_sleep* might_sleep may_sleep atomic-context
        interrupt-context process-context irq-context softirq-context hardirq-context
        gfp_atomic gfp_noio gfp_nowait gfp_nofs irqs-disabled irq-disabled
        interrupts-disabled preemption-disabled bh-disabled preempt-disabled irqs-off
        scheduling-while-atomic debug_atomic_sleep preempt preemptible preempt_* this_cpu_*
        smp_processor_id in_atomic in_interrupt can-block may-block will-block might-block
        gfp_kernel blocking-allocation blocking-operation blocking-call under-spinlock
        under-spin_lock
    """,
    "lockless": """
        read_once write_once access_once once barrier smp_* mb rmb wmb memory-order
        memory-ordering ordering reorder reordered reordering data-race kcsan cmpxchg
        try_cmpxchg cmpxchg_* tearing torn lockless locklessly lock-less lockfree lock-free
        test_and_* atomic_* atomic_t double-fetch volatile xchg xchg_* test_bit set_bit
        clear_bit clear_bit_unlock __set_bit __clear_bit non-atomic atomic-read store-buffer
        racy-read read-twice *_acquire fetched-twice ordered-against
    """,
    "life": """
        use-after-free use-after-put use-after-release uaf dangling double-free double-put
        refcount refcounted refcounting refcnt refcount_* reference-count reference-counting
        kref kref_* ref refs a-reference the-reference extra-reference last-reference
        final-reference reference-leak lifetime life-time freed already-gone leak leakage
        balanced unbalanced unbalance goes-away go-away gone-away try_module_get module_put
        fput fget dput iput sock_put of_node_put put_device get_device kobject_put
        kobject_get final-put get_page put_page *_unless_zero css_put css_tryget
    """,
    "err": """
        error-path error-handling error-code error-value error-return error-case error-label
        return-value return-code errno retval unwind unwinding einval enomem eio ebusy
        eagain enodev efault eexist eperm enoent eopnotsupp eprobe_defer erange eacces
        enotsupp eintr enospc ebadf enosys etimedout enxio ecanceled eoverflow leak
        failure-path failure-case on-failure on-error propagate must_check __must_check
        bug_on warn_on warn_on_once warn dev_err_probe unchecked check-return check-error
        ignore-error ignore-return ignoring-error can-fail could-fail may-fail might-fail
        will-fail fails-here undo undone undoing wrong-label error-checking check-for-error
        not-checked never-checked check-failure handle-error handling-error lost-error
        not-freed never-freed never-released
    """,
    "ptr": """
        null null-pointer null-check nullptr is_err is_err_or_null ptr_err err_ptr
        ptr_err_or_zero err_or_null oops wild-pointer bad-pointer stale-pointer
        invalid-pointer error-pointer
    """,
    "mem": """
        overflow underflow overrun out-of-bound out-of-bounds oob sizeof off-by-one off-by-1
        struct_size array_size size_add size_mul dma dma_* kcalloc kmalloc_* kzalloc kmalloc
        kvcalloc kvmalloc vmalloc memcpy memset memdup_user kmemdup kasprintf uninitialized
        uninitialised uninit endian endianness le16_to_cpu le32_to_cpu le64_to_cpu
        be16_to_cpu be32_to_cpu be64_to_cpu cpu_to_* __le16 __le32 __le64 __be16 __be32
        __be64 truncate truncated truncation wraparound wrap wraps wrapped unaligned
        misaligned flexible-array flex-array __counted_by division-by-zero divide-by-zero
        div64 do_div div_u64 bounds bounds-check size_max dma-able on-stack garbage
    """,
    "uapi": """
        uapi userspace user-space copy_from_user copy_to_user get_user put_user abi __user
        padding info-leak information-leak compat_* user-memory usermapped user-mapped
        pad-field
    """,
    "str": """
        strcpy strncpy strlcpy strscpy strcat strlcat snprintf scnprintf vsnprintf sprintf
        sysfs_emit sysfs_emit_at nul-terminated nul-terminate null-terminated format-string
        format-specifier kstrdup nla_strdup newline seq_printf
    """,
    "trace": """
        trace_* tracepoint trace-point trace_event tp_* trace-event
    """,
    "iter": """
        *_for_each list_for_each* list_for_each_* for_each_* *_for_each_entry hlist_*
        list_del list_add list_* idr_* ida_* xa_* xas_* xarray iterate iterating iteration
        iterator cursor _safe list-walk tree-walk hash-walk walk walking walked traverse
        traversal traversing
    """,
    "async": """
        timer timer_* mod_timer del_timer del_timer_sync add_timer hrtimer hrtimer_*
        workqueue work-queue work-item work-struct delayed-work cancel_* flush_* queue_work
        queue_delayed_work schedule_work schedule_delayed_work mod_delayed_work init_work
        init_delayed_work tasklet tasklet_* request_irq free_irq devm_request_irq
        disable_irq enable_irq synchronize_irq irq-handler interrupt-handler teardown
        tear-down completion complete_all wait_for_completion kthread kthread_* wake_up
        wake_up_* wakeup wait_event wait_event_* requeue re-arm rearm rescheduled
    """,
    "drv": """
        devm devm_* drmm_* pm_runtime pm_runtime_* runtime-pm autosuspend probe probed
        probing *_probe device-tree devicetree dt of_* fwnode_* clk_* regulator regulator_*
        urb usb_*_urb platform_* platdata sysfs debugfs debugfs_* module_param kobject kobj
        kobj_* kobj_type device_add device_register device_initialize device_del
        device_unregister drvdata dev_set_drvdata *_set_drvdata ioremap ioremap_* iomem
        resume suspend put_device usb_anchor_urb
    """,
    "logic": """
        always-true always-false never-true never-happen dead-code unreachable copy-paste
        copy-and-paste inverted unused redundant no-op noop wrong-variable duplicate
        duplicated duplication logic-error precedence wrong-way-round pointless
        same-condition superfluous unnecessary unnecessarily needless needlessly
        can't-happen cannot-happen not-needed not-necessary wrong-way
    """,
    "api": """
        deprecated obsolete open-code open-coded open-coding opencoded legacy
        existing-helper helper-for there-is-helper new-helper common-helper generic-helper
        min_t max_t clamp array_size bit export_symbol export_symbol_gpl use-helper
        helper-function use-existing
    """,
    "process": """
        fixes-tag changelog change-log commit-message commit-log commit-msg
        commit-description separate-patch seperate-patch checkpatch kernel-doc kerneldoc
        split-this split-it split-the split-out split-up signed-off-by signoff sign-off
        stable-tag spdx rebase squash documented documentation kconfig license licence
        bisect bisectable subject-line selftest test-case cover-letter own-patch
        different-patch patch-description follow-up-patch
    """,
}
"""A strong term makes a topic."""

WEAK: Final = {
    "rcu": "reader lookup publish published",
    "locking": """
        protect protected protection safe safely unsafe held hold under parallel
        simultaneous another-cpu another-thread other-cpu in-between recheck window
        atomically
    """,
    "atomic": "context gfp block blocking irq preemption bh atomic",
    "lockless": "paired pair load store visible stale compiler bitop twice atomic",
    "life": """
        *_get *_put *_release *_unref *_hold *_free *_destroy kfree free freeing destroy
        gone alive owner ownership still-used still-in-use reference put after cleanup
        clean-up release
    """,
    "err": """
        error err ret rc fail failure goto check checked return label missing cleanup
        clean-up ignored
    """,
    "ptr": "pointer dereference deref crash check valid initialized initialised",
    "mem": """
        buffer allocate allocation alloc size size_t length len byte array index unsigned
        signed u32 u64 32-bit 64-bit 32bit 64bit cast stack zeroed type bit align alignment
        shift
    """,
    "uapi": "user ioctl struct hole compat fetch untrusted api flag",
    "str": "string format print name",
    "iter": "loop list entry entries remove removed removal removing break next index",
    "async": """
        work irq interrupt cancel callback remove unregister queue queued pending shutdown
        disable stop register *_sync *_work
    """,
    "drv": "driver device remove managed attribute power runtime usb",
    "logic": "condition impossible never always wrong else needed twice already",
    "api": "helper macro instead use api wrapper existing already",
    "process": "patch comment tag doc series describe explain git test",
}
"""Weak terms have other meanings too: they only strengthen, or wait for the code to confirm."""

NONE: Final = """
    feel-free free-to in-this-context in-the-context in-order mailing-list block-layer at-least
    test-it in-case race-free error-prone null-and-void a-bit little-bit no-locking
    after-all
"""
"""Phrases whose words say nothing about the code."""

HAZARD: Final = (
    "safe unsafe safely race racy racing protect protected concurrent corrupt corruption"
)
"""A warning: which danger is meant, the code below may tell."""

READ_FROM_CODE: Final = ("rcu", "locking", "lockless", "iter", "async")
"""What the code under a warning may add."""
