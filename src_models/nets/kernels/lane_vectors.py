"""Vectors for kernels that numba compiles: one number for each of `LANES` sequences, kept in registers.

They are a type that this module adds to numba. LLVM can make vectors of plain loops too, but not where it would have to
check at run time that many arrays do not overlap, as in the kernels here.

What numba keeps of compiled kernels is as new as the file of the kernels: after a change here, touch that too.
"""

from __future__ import annotations

import importlib
import math
import operator
from typing import Any, NamedTuple

__all__ = ["LANES", "vector_operations"]

LANES = 16  # sequences side by side: one AVX-512 register in single precision, several registers elsewhere


class _Typing(NamedTuple):
    """The parts of numba that new operations are made of."""

    ir: Any  # LLVM's instructions
    numba: Any
    extending: Any
    vector: Any  # the type of vectors, for one type of number


def vector_operations() -> dict[str, Any]:
    """Add vectors and their arithmetic to numba, and return the other operations by name."""
    ir, numba, extending = (importlib.import_module(name) for name in ("llvmlite.ir", "numba", "numba.extending"))
    typing = _Typing(ir, numba, extending, _vector_type(ir, numba, extending))
    instructions = {"add": "fadd", "sub": "fsub", "mul": "fmul", "truediv": "fdiv"}
    for name, instruction in instructions.items():
        _add_operator(typing, getattr(operator, name), instruction)
    return {**_memory_operations(typing), **_lane_operations(typing)}


def _vector_type(ir: Any, numba: Any, extending: Any) -> Any:
    """Make the type of a vector, which LLVM keeps in registers."""

    class Vector(numba.types.Type):  # type: ignore[misc]
        def __init__(self, number: Any) -> None:
            self.number = number
            super().__init__(name=f"Vector({number}, {LANES})")

    @extending.register_model(Vector)
    class VectorModel(extending.models.PrimitiveModel):  # type: ignore[misc]
        def __init__(self, manager: Any, vector: Any) -> None:
            number = ir.FloatType() if vector.number.bitwidth == 32 else ir.DoubleType()
            super().__init__(manager, vector, ir.VectorType(number, LANES))

    return Vector


def _add_operator(typing: _Typing, function: Any, instruction: str) -> None:
    """Let kernels write an operator between vectors."""

    @typing.extending.type_callable(function)  # type: ignore[untyped-decorator]
    def returned(_: Any) -> Any:
        return lambda one, other: one if isinstance(one, typing.vector) and one == other else None

    @typing.extending.lower_builtin(function, typing.vector, typing.vector)  # type: ignore[untyped-decorator]
    def generate(_: Any, builder: Any, __: Any, values: Any) -> Any:
        return getattr(builder, instruction)(*values)


def _memory_operations(typing: _Typing) -> dict[str, Any]:
    """Make what reads and writes vectors. Indices go unchecked, and negative ones do not count from the end."""
    intp, arrays = typing.numba.types.intp, importlib.import_module("numba.core.cgutils")

    def address(context: Any, builder: Any, kind: Any, values: Any, step: int) -> Any:
        array = arrays.create_struct_proxy(kind)(context, builder, value=values[0])
        row = builder.mul(values[1], arrays.unpack_tuple(builder, array.shape)[1])
        return builder.gep(array.data, [builder.mul(builder.add(row, values[2]), row.type(step))])

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def load(_: Any, block: Any, channel: Any, place: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = address(context, builder, block, values, LANES)
            vector = context.get_value_type(signature.return_type)
            return builder.load(builder.bitcast(pointer, vector.as_pointer()), align=block.dtype.bitwidth // 8)

        return typing.vector(block.dtype)(block, intp, intp), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def store(_: Any, block: Any, channel: Any, place: Any, vector: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            pointer = address(context, builder, block, values, LANES)
            pointer = builder.bitcast(pointer, values[3].type.as_pointer())
            builder.store(values[3], pointer, align=block.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return typing.numba.types.void(block, intp, intp, vector), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def spread(_: Any, table: Any, channel: Any, at: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_spread(typing.ir, builder, builder.load(address(context, builder, table, values, 1)))

        return typing.vector(table.dtype)(table, intp, intp), generate

    return {"_load": load, "_store": store, "_spread": spread}


def _lane_operations(typing: _Typing) -> dict[str, Any]:
    """Make what works on each lane by itself."""

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def fill(_: Any, number: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_spread(typing.ir, builder, values[0])

        return typing.vector(number)(number), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def larger(_: Any, one: Any, other: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return builder.select(builder.fcmp_ordered(">", *values), *values)

        return one(one, one), generate

    @typing.extending.intrinsic  # type: ignore[untyped-decorator]
    def exp(_: Any, vector: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            return _generate_exp(typing.ir, builder, values[0])

        return vector(vector), generate

    return {"_fill": fill, "_larger": larger, "_exp": exp}


def _generate_spread(ir: Any, builder: Any, number: Any) -> Any:
    """Write a vector whose lanes are all `number`."""
    index = ir.IntType(32)
    one = builder.insert_element(ir.VectorType(number.type, LANES)(ir.Undefined), number, index(0))
    return builder.shuffle_vector(one, one, ir.VectorType(index, LANES)([0] * LANES))


class _ExpConstants(NamedTuple):
    """What the exponential needs to know of a floating-point format."""

    lowest: float  # e to this is about the least normal number
    rounder: float  # 1.5 * 2**mantissa: adding it to a small number rounds that to an integer
    high: float  # ln(2) but for its last bits, so that its products with small integers are exact
    low: float  # those last bits
    degree: int  # of the Taylor polynomial, which is exact to rounding for |r| <= ln(2) / 2
    bias: int
    mantissa: int


_SINGLE = _ExpConstants(-87.0, 1.5 * 2**23, 0.693359375, -2.12194440054690583e-4, 7, 127, 23)
_DOUBLE = _ExpConstants(-708.0, 1.5 * 2**52, 0.693145751953125, 1.42860682030941723212e-6, 13, 1023, 52)


def _generate_exp(ir: Any, builder: Any, given: Any) -> Any:
    """Write e^x = 2^k e^r with |r| <= ln(2) / 2 in operations that all exist for vectors; 0 below the normal range."""
    single = isinstance(given.type.element, ir.FloatType)
    constants = _SINGLE if single else _DOUBLE
    integers = ir.VectorType(ir.IntType(32 if single else 64), LANES)

    def constant(number: float, kind: Any = given.type) -> Any:
        return ir.Constant(kind, [ir.Constant(kind.element, number)] * LANES)

    def times_plus(one: Any, factor: Any, summand: Any) -> Any:
        return builder.fadd(builder.fmul(one, factor), summand)

    below = builder.fcmp_ordered("<", given, constant(constants.lowest))  # so asked, NaN stays NaN
    x = builder.select(below, constant(constants.lowest), given)
    rounded = times_plus(x, constant(math.log2(math.e)), constant(constants.rounder))
    k = builder.fsub(rounded, constant(constants.rounder))
    r = times_plus(k, constant(-constants.low), times_plus(k, constant(-constants.high), x))
    power = constant(1 / math.factorial(constants.degree))
    for degree in reversed(range(constants.degree)):
        power = times_plus(power, r, constant(1 / math.factorial(degree)))
    # The last bits of `rounded` are k; shifted to the place of the exponent they are 2^k.
    bits = builder.add(builder.bitcast(rounded, integers), constant(constants.bias, integers))
    two_to_k = builder.bitcast(builder.shl(bits, constant(constants.mantissa, integers)), given.type)
    return builder.select(below, constant(0.0), builder.fmul(power, two_to_k))
