"""Words of kernel C that the grammar does not know, and words that it does.

Source: include/linux/compiler*.h, init.h, linkage.h, cleanup.h of Linux 6.12, the annotations of
sparse and of Clang's context analysis, and the tags of BPF programs.
"""

from __future__ import annotations

_ATTRIBUTES = """
    INLINE STATIC
    ____cacheline_aligned ____cacheline_aligned_in_smp ____cacheline_internodealigned_in_smp
    __always_inline __always_unused __arena __attribute_const__ __bitwise __bpf_hook_start
    __bpf_kfunc __cacheline_aligned __cacheline_aligned_in_smp __cold __cpuidle __cpuinit
    __deprecated __designated_init __devexit __devinit __exit __exitdata __flatten __force __hot
    __init __init_or_module __initconst __initdata __iomem __irq_entry __kernel __kprobes __kptr
    __kptr_untrusted __ksym __latent_entropy __lockfunc __malloc __maybe_unused __meminit
    __must_check __net_exit __net_init __net_initdata __no_kcsan __no_randomize_layout
    __no_sanitize_or_inline __no_stack_protector __nocast __nocfi __noclone __nonstring
    __noreturn __noscs __packed __page_aligned_bss __page_aligned_data __percpu __percpu_kptr
    __private __pure __randomize_layout __rcu __read_mostly __ref __refconst __refdata
    __ro_after_init __sched __softirq_entry __unused __used __user __visible __weak asmlinkage
    noinline noinline_for_stack noinline_for_tracing noinstr notrace
"""

_ATTRIBUTE_CALLS = """
    SEC __acquires __acquires_shared __alias __aligned __alloc_size __assume_aligned __attribute
    __attribute__ __cleanup __compiletime_error __compiletime_warning __cond_acquires
    __cond_acquires_shared __cond_releases __copy __counted_by __counted_by_be __counted_by_le
    __free __guarded_by __mode __must_hold __must_hold_shared __must_not_hold
    __no_context_analysis __printf __pt_guarded_by __realloc_size __releases __releases_shared
    __scanf __section __uptr
"""

_GRAMMAR_WORDS = """
    __COUNTER__ __FILE__ __FUNCTION__ __LINE__ __PRETTY_FUNCTION__ __THIS_MODULE__ __VA_ARGS__
    __alignof __alignof__ __asm __asm__ __auto_type __builtin_va_list __const __const__
    __extension__ __forceinline __func__ __imag__ __inline __inline__ __int128 __label__
    __real__ __restrict __restrict__ __signed __signed__ __thread __typeof __typeof__ __volatile
    __volatile__
"""

_QUALIFIERS = """
    __inline __inline__ __typeof__ break case const continue default do else enum extern for
    goto if inline long register return short signed sizeof static struct switch typedef typeof
    union unsigned volatile while
"""

_KEYWORDS = """
    _Alignof _Generic _Static_assert __alignof__ __asm __asm__ __builtin_offsetof __typeof__
    alignof asm break case continue default do else for goto if offsetof return sizeof
    static_assert switch typeof volatile while
"""

ATTRIBUTES = frozenset(_ATTRIBUTES.split())
"""Blanked wherever they stand."""

ATTRIBUTE_CALLS = frozenset(_ATTRIBUTE_CALLS.split())
"""Blanked with their arguments."""

GRAMMAR_WORDS = frozenset(_GRAMMAR_WORDS.split())
"""Words with two leading underscores that the grammar reads, or that are plain identifiers."""

QUALIFIERS = frozenset(_QUALIFIERS.split())
"""An unknown word after one of these is a name or a type, not an attribute."""

KEYWORDS = frozenset(_KEYWORDS.split())
"""A parenthesis after one of these does not hold the arguments of a call."""

TYPE_WORDS = (
    "static|extern|inline|const|void|int|char|short|long|unsigned|signed|bool|struct|union|enum"
    "|u8|u16|u32|u64|s8|s16|s32|s64|size_t|ssize_t|float|double|typedef|volatile"
)
"""Alternation of words that begin a declaration."""
