from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from attrs import define as _attrs_define
from attrs import field as _attrs_field

T = TypeVar("T", bound="CampaignAccepted")


@_attrs_define
class CampaignAccepted:
    """What an accepted campaign answers."""

    ticket_number: str
    """ The campaign's ticket; later samples have nine more digits. """
    number_of_contacts: int
    total_cost: float
    """ In euros. """
    estimated_duration: int
    """ Of one call, in seconds. """
    residual_credit: float
    """ The credit that is left, in euros. """
    additional_properties: dict[str, Any] = _attrs_field(init=False, factory=dict)

    def to_dict(self) -> dict[str, Any]:
        ticket_number = self.ticket_number

        number_of_contacts = self.number_of_contacts

        total_cost = self.total_cost

        estimated_duration = self.estimated_duration

        residual_credit = self.residual_credit

        field_dict: dict[str, Any] = {}
        field_dict.update(self.additional_properties)
        field_dict.update(
            {
                "ticket_number": ticket_number,
                "number_of_contacts": number_of_contacts,
                "total_cost": total_cost,
                "estimated_duration": estimated_duration,
                "residual_credit": residual_credit,
            }
        )

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        d = dict(src_dict)
        ticket_number = d.pop("ticket_number")

        number_of_contacts = d.pop("number_of_contacts")

        total_cost = d.pop("total_cost")

        estimated_duration = d.pop("estimated_duration")

        residual_credit = d.pop("residual_credit")

        campaign_accepted = cls(
            ticket_number=ticket_number,
            number_of_contacts=number_of_contacts,
            total_cost=total_cost,
            estimated_duration=estimated_duration,
            residual_credit=residual_credit,
        )

        campaign_accepted.additional_properties = d
        return campaign_accepted

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
