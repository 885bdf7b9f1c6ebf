from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define
from attrs import field as _attrs_field

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.receipt_details import ReceiptDetails


T = TypeVar("T", bound="DeliveryReceipt")


@_attrs_define
class DeliveryReceipt:
    """The outcome of one call."""

    message_id: str
    """ The ticket of the campaign. """
    number: str
    status: str
    """ DELIVERED, READ, ACK, UNDEFINED, UNKNOWN_DELIVERY, PROCESSED and others: the list in the source is cut off.
     """
    channel: str | Unset = UNSET
    list_name: None | str | Unset = UNSET
    unit_price: float | Unset = UNSET
    delivery_date: str | Unset = UNSET
    """ Year-month-day hour:minute:second, without a zone. """
    meta_data: ReceiptDetails | Unset = UNSET
    """ What only a voice call has. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        message_id = self.message_id

        number = self.number

        status = self.status

        channel = self.channel

        list_name: None | str | Unset
        if isinstance(self.list_name, Unset):
            list_name = UNSET
        else:
            list_name = self.list_name

        unit_price = self.unit_price

        delivery_date = self.delivery_date

        meta_data: dict[str, Any] | Unset = UNSET
        if not isinstance(self.meta_data, Unset):
            meta_data = self.meta_data.to_dict()

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "message_id": message_id,
                "number": number,
                "status": status,
            }
        )
        if channel is not UNSET:
            field_dict["channel"] = channel
        if list_name is not UNSET:
            field_dict["list_name"] = list_name
        if unit_price is not UNSET:
            field_dict["unit_price"] = unit_price
        if delivery_date is not UNSET:
            field_dict["delivery_date"] = delivery_date
        if meta_data is not UNSET:
            field_dict["meta_data"] = meta_data

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.receipt_details import ReceiptDetails  # noqa: PLC0415

        d = dict(src_dict)
        message_id = d.pop("message_id")

        number = d.pop("number")

        status = d.pop("status")

        channel = d.pop("channel", UNSET)

        def _parse_list_name(data: object) -> None | str | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(None | str | Unset, data)

        list_name = _parse_list_name(d.pop("list_name", UNSET))

        unit_price = d.pop("unit_price", UNSET)

        delivery_date = d.pop("delivery_date", UNSET)

        _meta_data = d.pop("meta_data", UNSET)
        meta_data: ReceiptDetails | Unset
        if isinstance(_meta_data, Unset):
            meta_data = UNSET
        else:
            meta_data = ReceiptDetails.from_dict(_meta_data)

        delivery_receipt = cls(
            message_id=message_id,
            number=number,
            status=status,
            channel=channel,
            list_name=list_name,
            unit_price=unit_price,
            delivery_date=delivery_date,
            meta_data=meta_data,
        )

        delivery_receipt.additional_properties = d
        return delivery_receipt

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
