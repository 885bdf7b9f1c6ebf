from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

T = TypeVar("T", bound="ReceiptDetails")


@_attrs_define
class ReceiptDetails:
    """What only a voice call has."""

    pressed_keys_code: None | str | Unset = UNSET
    """ The keys that were pressed, in order. """
    call_duration: int | Unset = UNSET
    """ In seconds. """
    charged_duration: int | Unset = UNSET
    """ In seconds. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        pressed_keys_code: None | str | Unset
        if isinstance(self.pressed_keys_code, Unset):
            pressed_keys_code = UNSET
        else:
            pressed_keys_code = self.pressed_keys_code

        call_duration = self.call_duration

        charged_duration = self.charged_duration

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update({})
        if pressed_keys_code is not UNSET:
            field_dict["pressed_keys_code"] = pressed_keys_code
        if call_duration is not UNSET:
            field_dict["call_duration"] = call_duration
        if charged_duration is not UNSET:
            field_dict["charged_duration"] = charged_duration

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)

        def _parse_pressed_keys_code(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        pressed_keys_code = _parse_pressed_keys_code(d.pop("pressed_keys_code", UNSET))

        call_duration = d.pop("call_duration", UNSET)

        charged_duration = d.pop("charged_duration", UNSET)

        receipt_details = cls(
            pressed_keys_code=pressed_keys_code,
            call_duration=call_duration,
            charged_duration=charged_duration,
        )

        receipt_details.additional_properties = d
        return receipt_details

    @property
    def additional_keys(self) -> list[str]:
        return list(self.additional_properties.keys())

    def __getitem__(self, key: str) -> Any:
        return self.additional_properties[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self.additional_properties[key] = value

    def __delitem__(self, key: str) -> None:
        del self.additional_properties[key]

    def __contains__(self, key: str) -> bool:
        return key in self.additional_properties
