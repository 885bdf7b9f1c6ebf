from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

T = TypeVar("T", bound="Contact")


@_attrs_define
class Contact:
    """One contact to call."""

    phone_number: str
    """ A plus sign, the country code and the number.
    The vendor's samples have 15 and 16 digits, where E.164 ends at 15.
     """
    first_name: None | str | Unset = UNSET
    last_name: None | str | Unset = UNSET
    param1: None | str | Unset = UNSET
    param2: None | str | Unset = UNSET
    param3: None | str | Unset = UNSET
    param4: None | str | Unset = UNSET
    param5: None | str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        phone_number = self.phone_number

        first_name: None | str | Unset
        if isinstance(self.first_name, Unset):
            first_name = UNSET
        else:
            first_name = self.first_name

        last_name: None | str | Unset
        if isinstance(self.last_name, Unset):
            last_name = UNSET
        else:
            last_name = self.last_name

        param1: None | str | Unset
        if isinstance(self.param1, Unset):
            param1 = UNSET
        else:
            param1 = self.param1

        param2: None | str | Unset
        if isinstance(self.param2, Unset):
            param2 = UNSET
        else:
            param2 = self.param2

        param3: None | str | Unset
        if isinstance(self.param3, Unset):
            param3 = UNSET
        else:
            param3 = self.param3

        param4: None | str | Unset
        if isinstance(self.param4, Unset):
            param4 = UNSET
        else:
            param4 = self.param4

        param5: None | str | Unset
        if isinstance(self.param5, Unset):
            param5 = UNSET
        else:
            param5 = self.param5

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "phone_number": phone_number,
            }
        )
        if first_name is not UNSET:
            field_dict["first_name"] = first_name
        if last_name is not UNSET:
            field_dict["last_name"] = last_name
        if param1 is not UNSET:
            field_dict["param1"] = param1
        if param2 is not UNSET:
            field_dict["param2"] = param2
        if param3 is not UNSET:
            field_dict["param3"] = param3
        if param4 is not UNSET:
            field_dict["param4"] = param4
        if param5 is not UNSET:
            field_dict["param5"] = param5

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        phone_number = d.pop("phone_number")

        def _parse_first_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        first_name = _parse_first_name(d.pop("first_name", UNSET))

        def _parse_last_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        last_name = _parse_last_name(d.pop("last_name", UNSET))

        def _parse_param1(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        param1 = _parse_param1(d.pop("param1", UNSET))

        def _parse_param2(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        param2 = _parse_param2(d.pop("param2", UNSET))

        def _parse_param3(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        param3 = _parse_param3(d.pop("param3", UNSET))

        def _parse_param4(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        param4 = _parse_param4(d.pop("param4", UNSET))

        def _parse_param5(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        param5 = _parse_param5(d.pop("param5", UNSET))

        contact = cls(
            phone_number=phone_number,
            first_name=first_name,
            last_name=last_name,
            param1=param1,
            param2=param2,
            param3=param3,
            param4=param4,
            param5=param5,
        )

        return contact
